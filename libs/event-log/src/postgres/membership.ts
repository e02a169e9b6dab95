import type { Pool, PoolClient } from 'pg';

export interface Shares {
  /** Partitions whose lease is ours after the call. */
  owned: number[];
  /** Of those, the ones to hand over: finish their batch, then `release`. */
  excess: number[];
}

/**
 * Who owns which partitions of a group: leases in the database, handed out under the group row's lock, judged by the
 * database's clock. A member that is late is dropped; what it still writes is refused by the fence.
 */
export class Membership {
  constructor(
    private readonly pool: Pool,
    private readonly group: string,
    readonly id: string,
    private readonly partitionCount: number,
    private readonly sessionMs: number,
  ) {}

  async join(): Promise<void> {
    await this.pool.query(`INSERT INTO "log_group" ("group_id") VALUES ($1) ON CONFLICT DO NOTHING`, [this.group]);
    await this.locked(async (client) => {
      await client.query(
        `INSERT INTO "log_member" ("group_id", "member_id", "joined_at", "heartbeat_at")
         VALUES ($1, $2, clock_timestamp(), clock_timestamp())
         ON CONFLICT ("group_id", "member_id") DO UPDATE SET "heartbeat_at" = clock_timestamp()`,
        [this.group, this.id],
      );
    });
  }

  /** Heartbeats, drops silent members, takes free partitions up to our share: one call of `log_heartbeat`. */
  async heartbeat(): Promise<Shares> {
    const { rows } = await this.pool.query<{ shares: Shares }>({
      name: 'log-heartbeat',
      text: 'SELECT log_heartbeat($1, $2, $3, $4) AS "shares"',
      values: [this.group, this.id, this.partitionCount, this.sessionMs],
    });
    return rows[0]!.shares;
  }

  async release(partitions: readonly number[]): Promise<void> {
    await this.pool.query(
      `DELETE FROM "log_lease" WHERE "group_id" = $1 AND "member_id" = $2 AND "partition" = ANY($3)`,
      [this.group, this.id, partitions],
    );
  }

  async leave(): Promise<void> {
    await this.locked(async (client) => {
      await client.query(`DELETE FROM "log_lease" WHERE "group_id" = $1 AND "member_id" = $2`, [this.group, this.id]);
      await client.query(`DELETE FROM "log_member" WHERE "group_id" = $1 AND "member_id" = $2`, [this.group, this.id]);
    });
  }

  private async locked<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.pool.connect();
    try {
      await client.query('BEGIN');
      await client.query(`SELECT FROM "log_group" WHERE "group_id" = $1 FOR UPDATE`, [this.group]);
      const result = await work(client);
      await client.query('COMMIT');
      client.release();
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      client.release(error as Error);
      throw error;
    }
  }
}
