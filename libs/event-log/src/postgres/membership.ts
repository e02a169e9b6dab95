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

  /** Heartbeats, drops silent members, takes free partitions up to our share. */
  async heartbeat(): Promise<Shares> {
    return this.locked(async (client) => {
      await client.query(
        `INSERT INTO "log_member" ("group_id", "member_id", "joined_at", "heartbeat_at")
         VALUES ($1, $2, clock_timestamp(), clock_timestamp())
         ON CONFLICT ("group_id", "member_id") DO UPDATE SET "heartbeat_at" = clock_timestamp()`,
        [this.group, this.id],
      );
      await client.query(
        `DELETE FROM "log_member" WHERE "group_id" = $1 AND "heartbeat_at" < clock_timestamp() - make_interval(secs => $2)`,
        [this.group, this.sessionMs / 1000],
      );
      await client.query(
        `DELETE FROM "log_lease" l WHERE l."group_id" = $1
            AND NOT EXISTS (SELECT FROM "log_member" m WHERE m."group_id" = $1 AND m."member_id" = l."member_id")`,
        [this.group],
      );
      const { rows: members } = await client.query<{ member_id: string }>(
        `SELECT "member_id" FROM "log_member" WHERE "group_id" = $1 ORDER BY "joined_at", "member_id"`,
        [this.group],
      );
      const { rows: leases } = await client.query<{ partition: number; member_id: string }>(
        `SELECT "partition", "member_id" FROM "log_lease" WHERE "group_id" = $1 ORDER BY "partition"`,
        [this.group],
      );
      const rank = members.findIndex((member) => member.member_id === this.id);
      const share =
        Math.floor(this.partitionCount / members.length) + (rank < this.partitionCount % members.length ? 1 : 0);
      const owned = leases.filter((lease) => lease.member_id === this.id).map((lease) => lease.partition);
      const taken = new Set(leases.map((lease) => lease.partition));
      const free = Array.from({ length: this.partitionCount }, (_, n) => n).filter((n) => !taken.has(n));
      const wanted = free.slice(0, Math.max(0, share - owned.length));
      if (wanted.length > 0) {
        await client.query(
          `INSERT INTO "log_lease" ("group_id", "partition", "member_id") SELECT $1, unnest($2::int[]), $3`,
          [this.group, wanted, this.id],
        );
      }
      return { owned: [...owned, ...wanted].sort((a, b) => a - b), excess: owned.slice(share) };
    });
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
