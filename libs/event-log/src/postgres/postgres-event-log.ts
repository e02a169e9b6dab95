import { randomUUID } from 'node:crypto';
import pg, { type Pool } from 'pg';
import {
  DEFAULT_PARTITIONS,
  SESSION_TIMING,
  type BroadcastOptions,
  type ConsumerProgress,
  type EventLog,
  type LogRecord,
  type LogSink,
  type NewRecord,
  type OwnedOptions,
  type PartitionBounds,
  type Position,
  type SessionTiming,
  type Subscription,
  type TopicSpec,
  type TransactionalAppend,
} from '../port.js';
import { AppendQueue } from './append-queue.js';
import { appendStatement } from './append-statement.js';
import { BroadcastReader } from './broadcast-reader.js';
import { OwnedMember } from './owned-member.js';
import { readBounds, readRecords } from './record-reader.js';
import { trimExpired } from './retention.js';
import { createWakeUps, NOTIFY_SQL, type WakeUps } from './wake-ups.js';

export interface PostgresLogOptions {
  pool: Pool;
  connectionString: string;
  clientId: string;
  log: LogSink;
  partitionCount?: number;
  timing?: SessionTiming;
  appendTimeoutMs?: number;
  /**
   * Whether other processes use this log: they are woken by NOTIFY. False (all apps in one process) saves
   * the round trips; the poll of 500 ms still finds what a stranger appends.
   */
  otherProcesses?: boolean;
}

const TRIM_EVERY_MS = 60_000;
const HEADS = {
  name: 'log-heads',
  text: `SELECT "topic", array_agg("next" ORDER BY "partition") AS "next" FROM "log_partition" GROUP BY 1`,
};

/** The event log of the embedded default: tables `log_*` of the same Postgres that holds the state. */
export class PostgresEventLog implements EventLog {
  readonly kind = 'postgres';
  readonly transactional: TransactionalAppend;
  private readonly queue: AppendQueue;
  private readonly subscriptions = new Set<Subscription>();
  private readonly members = new Set<OwnedMember>();
  private readonly trimTimer: NodeJS.Timeout;

  static async connect(options: PostgresLogOptions): Promise<PostgresEventLog> {
    const { pool, connectionString, otherProcesses = true } = options;
    let listen: pg.Client | undefined;
    if (otherProcesses) {
      listen = new pg.Client({
        connectionString,
        application_name: `${options.clientId} log`,
        connectionTimeoutMillis: 5_000,
      });
      // The poll replaces what a lost connection would have told.
      listen.on('error', (error) =>
        options.log.warn({ err: error }, 'wake-ups from other processes are lost; polling'),
      );
      await listen.connect();
    }
    const notify = otherProcesses
      ? async (payload: string) => void (await pool.query({ name: 'log-notify', text: NOTIFY_SQL, values: [payload] }))
      : undefined;
    const readHeads = async (): Promise<{ topic: string; next: number[] }[]> =>
      (await pool.query<{ topic: string; next: number[] }>(HEADS)).rows;
    return new PostgresEventLog(
      options,
      await createWakeUps(databaseOf(connectionString), { readHeads, notify, listen }),
    );
  }

  private constructor(
    private readonly options: PostgresLogOptions,
    private readonly wakeUps: WakeUps,
  ) {
    const { pool, appendTimeoutMs = 5_000 } = options;
    this.queue = new AppendQueue(pool, this.partitionCount, appendTimeoutMs, (records) => wakeUps.appended(records));
    this.transactional = {
      append: (records: readonly NewRecord[]) => {
        const { text, values, appended } = appendStatement(records, this.partitionCount);
        return { text, values, committed: (rows) => wakeUps.appended(appended(rows)) };
      },
    };
    this.trimTimer = setInterval(() => {
      trimExpired(pool).catch((error: unknown) =>
        options.log.warn({ err: error }, 'expired records could not be deleted'),
      );
    }, TRIM_EVERY_MS);
    this.trimTimer.unref();
  }

  get partitionCount(): number {
    return this.options.partitionCount ?? DEFAULT_PARTITIONS;
  }

  async ensureTopics(topics: readonly TopicSpec[]): Promise<void> {
    const names = topics.map((topic) => topic.name);
    await this.options.pool.query(
      `INSERT INTO "log_topic" ("name", "partitions", "retention_ms")
       SELECT t.*, r FROM (SELECT unnest($1::text[]), $2::int) t("name", "n"), LATERAL (SELECT ($3::jsonb ->> t."name")::bigint) r(r)
       ON CONFLICT ("name") DO UPDATE SET "retention_ms" = EXCLUDED."retention_ms"`,
      [
        names,
        this.partitionCount,
        JSON.stringify(Object.fromEntries(topics.map((topic) => [topic.name, topic.retentionMs]))),
      ],
    );
    const { rows } = await this.options.pool.query<{ name: string; partitions: number }>(
      `SELECT "name", "partitions" FROM "log_topic" WHERE "name" = ANY($1) AND "partitions" <> $2`,
      [names, this.partitionCount],
    );
    if (rows[0]) {
      throw new Error(
        `Topic ${rows[0].name} has ${rows[0].partitions} partitions, not ${this.partitionCount}: the count is fixed when a log is created`,
      );
    }
    await this.options.pool.query(
      `INSERT INTO "log_partition" ("topic", "partition")
       SELECT t, p FROM unnest($1::text[]) t, generate_series(0, $2::int - 1) p ON CONFLICT DO NOTHING`,
      [names, this.partitionCount],
    );
  }

  append(records: readonly NewRecord[]): Promise<void> {
    return this.queue.append(records);
  }

  async owned(options: OwnedOptions): Promise<Subscription> {
    const { pool, clientId, timing = SESSION_TIMING, log } = this.options;
    const memberId = `${clientId}-${randomUUID()}`;
    const member = new OwnedMember(pool, options, memberId, this.partitionCount, timing, this.wakeUps, log);
    await member.start();
    this.subscriptions.add(member);
    this.members.add(member);
    return member;
  }

  async broadcast(options: BroadcastOptions): Promise<Subscription> {
    const reader = new BroadcastReader(this.options.pool, options, this.partitionCount, this.wakeUps, this.options.log);
    await reader.start();
    this.subscriptions.add(reader);
    return reader;
  }

  bounds(topics: readonly string[]): Promise<PartitionBounds[]> {
    return readBounds(this.options.pool, topics);
  }

  consumers(): readonly ConsumerProgress[] {
    return [...this.members].map((member) => member.progress());
  }

  read(from: Position, limit: number): Promise<LogRecord[]> {
    return readRecords(this.options.pool, [from], limit);
  }

  async ping(): Promise<boolean> {
    try {
      await this.options.pool.query('SELECT 1');
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    clearInterval(this.trimTimer);
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    await this.queue.close();
    await this.wakeUps.close();
  }
}

function databaseOf(connectionString: string): string {
  const { host, pathname } = new URL(connectionString);
  return `${host}${pathname}`;
}
