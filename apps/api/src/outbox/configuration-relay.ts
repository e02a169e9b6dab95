import { randomUUID } from 'node:crypto';
import { configChanged, createEvent, encodeEvent } from '@tickwire/contracts';
import { Backoff, type EventLog, type LogSink, type NewRecord } from '@tickwire/event-log';
import type { Pool, PoolClient } from 'pg';

export interface RelayTiming {
  /** Between two heartbeats. Readers distrust their caches after 2000. */
  heartbeatMs: number;
  /** How often the outbox is looked into for what other replicas of this app have committed. */
  pollMs: number;
}

export const RELAY_TIMING: RelayTiming = { heartbeatMs: 500, pollMs: 100 };

/** The lock of whoever relays; two numbers of ours, in use nowhere else. */
const LOCK = [0x7469636b, 14] as const;
const MOST_SENT = 500;

/**
 * Takes committed configuration records to the log, in order, and tells every partition of `config.changed` twice a
 * second that nothing was missed. One process at a time does both: the holder of a session advisory lock, which the
 * database gives back when the session ends, however it ends.
 *
 * A heartbeat follows only on an emptied outbox and a live session, so it never vouches for a change that readers have
 * not been told of. A record that is sent twice (a crash between acknowledgement and deletion) has the same id.
 */
export class ConfigurationRelay {
  private holder: PoolClient | undefined;
  private stopping = false;
  private running: Promise<void> = Promise.resolve();
  private rouse: () => void = () => undefined;
  private roused = false;
  private lastHeartbeat = -Infinity;

  constructor(
    private readonly pool: Pool,
    private readonly log: EventLog,
    private readonly sink: LogSink,
    private readonly now: () => number,
    private readonly timing: RelayTiming = RELAY_TIMING,
  ) {}

  start(): void {
    this.running = this.run();
  }

  /** Something was committed: look at once. */
  kick(): void {
    this.roused = true;
    this.rouse();
  }

  /** Whether this process relays at present. */
  leads(): boolean {
    return this.holder !== undefined;
  }

  /** Finishes what is in flight and lets another process take over. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.rouse();
    await this.running;
  }

  private async run(): Promise<void> {
    let backoff = new Backoff();
    while (!this.stopping) {
      try {
        if (await this.holdsLock()) {
          await this.relay(this.holder!);
          if (this.untilHeartbeatMs() <= 0) await this.heartbeat();
        }
        backoff = new Backoff();
        await this.pause();
      } catch (error) {
        this.sink.warn({ err: error }, 'configuration cannot be relayed; trying again');
        await backoff.wait(() => this.stopping);
      }
    }
    await this.giveUp();
  }

  /** Also asks whether the session still lives: a lock that the database has given back must not be acted on. */
  private async holdsLock(): Promise<boolean> {
    if (this.holder !== undefined) {
      try {
        await this.holder.query('SELECT 1');
        return true;
      } catch (error) {
        this.holder.release(error as Error);
        this.holder = undefined;
        throw error;
      }
    }
    const client = await this.pool.connect();
    try {
      const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS "taken"', [
        ...LOCK,
      ]);
      if (rows[0]?.taken) {
        this.holder = client;
        this.sink.info({}, 'relays configuration');
        return true;
      }
      client.release();
      return false;
    } catch (error) {
      client.release(error as Error);
      throw error;
    }
  }

  private async relay(client: PoolClient): Promise<void> {
    while (!this.stopping) {
      const { rows } = await client.query<OutboxRow>(
        `SELECT "topic", "partition", "sequence", "key", "value" FROM "config_outbox"
          ORDER BY "topic", "partition", "sequence" LIMIT $1`,
        [MOST_SENT],
      );
      if (rows.length === 0) return;
      await this.log.append(rows.map(({ topic, partition, key, value }) => ({ topic, partition, key, value })));
      await client.query(
        `DELETE FROM "config_outbox" o USING unnest($1::text[], $2::int[], $3::bigint[]) d("topic", "partition", "sequence")
          WHERE o."topic" = d."topic" AND o."partition" = d."partition" AND o."sequence" = d."sequence"`,
        [rows.map((row) => row.topic), rows.map((row) => row.partition), rows.map((row) => row.sequence)],
      );
    }
  }

  private untilHeartbeatMs(): number {
    return this.lastHeartbeat + this.timing.heartbeatMs - performance.now();
  }

  private async heartbeat(): Promise<void> {
    this.lastHeartbeat = performance.now();
    const timeMs = this.now();
    const records = Array.from({ length: this.log.partitionCount }, (_, partition): NewRecord => {
      const data = { entity: 'heartbeat' as const, id: `heartbeat-${partition}`, version: 0 };
      const event = createEvent(configChanged, { id: randomUUID(), source: 'api', subject: data.id, timeMs, data });
      return { ...encodeEvent(configChanged, event), partition };
    });
    await this.log.append(records);
  }

  /** Until something is committed here, the next look, or the next heartbeat. */
  private async pause(): Promise<void> {
    const { pollMs, heartbeatMs } = this.timing;
    const dueMs = this.leads() ? Math.max(1, Math.ceil(this.untilHeartbeatMs())) : heartbeatMs;
    // In a log of this database records are never left in the outbox: only heartbeats are due.
    const waitMs = this.log.transactional ? dueMs : Math.min(pollMs, dueMs);
    if (!this.roused && !this.stopping) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.rouse = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.rouse = () => undefined;
    }
    this.roused = false;
  }

  private async giveUp(): Promise<void> {
    const { holder } = this;
    this.holder = undefined;
    if (holder === undefined) return;
    try {
      await holder.query('SELECT pg_advisory_unlock($1, $2)', [...LOCK]);
      holder.release();
    } catch (error) {
      holder.release(error as Error);
    }
  }
}

interface OutboxRow {
  topic: string;
  partition: number;
  sequence: number;
  key: string;
  value: Buffer;
}
