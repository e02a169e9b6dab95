import { setTimeout as delay } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { AppHost } from '@tickwire/runtime';
import type { Pool, PoolClient } from 'pg';
import { HOST } from '../tokens.js';

/** What of the log of deliveries is kept: a row goes when it is past either. */
export interface LogRetention {
  /** Since the delivery was settled, ms. */
  maxAgeMs: number;
  /** The agent's latest ticks. It has one row per tick, so these are at most as many rows. */
  maxTicks: number;
}

export const LOG_RETENTION: LogRetention = { maxAgeMs: 7 * 24 * 3_600_000, maxTicks: 1_000 };
const ROUND_MS = 60_000;
/** One bite deletes at most their product, so that no lock and no transaction is long. */
const AGENTS_PER_BITE = 100;
const ROWS_PER_BITE = 100;

/**
 * Deletes what has expired from the log of deliveries, a round each minute. Every replica tries; one at a time works.
 * A round that fails, or ends with its process, is made up for by the next one.
 */
@Injectable()
export class DeliveryLogRetention implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();

  constructor(@Inject(HOST) private readonly host: AppHost) {}

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  /** Ends after the bite in hand: the pool outlives it. */
  async onModuleDestroy(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    for (;;) {
      await delay(ROUND_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await trimDeliveryLog(this.host.pool, this.host.now(), LOG_RETENTION, signal);
      } catch (error) {
        this.host.logger.warn({ err: error }, 'the log of deliveries could not be trimmed; trying again later');
      }
    }
  }
}

/**
 * One round over all agents.
 *
 * @returns rows deleted; undefined when another process is at it
 */
export async function trimDeliveryLog(
  pool: Pool,
  nowMs: number,
  retention: LogRetention,
  stopped?: AbortSignal,
): Promise<number | undefined> {
  const client = await pool.connect();
  try {
    const { rows } = await client.query<{ got: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('tickwire agent delivery log retention')) AS "got"`,
    );
    if (!rows[0]?.got) {
      client.release();
      return undefined;
    }
    const deleted = await trimAgents(client, nowMs, retention, stopped);
    await client.query(`SELECT pg_advisory_unlock(hashtext('tickwire agent delivery log retention'))`);
    client.release();
    return deleted;
  } catch (error) {
    // Its session ends with it, and with that the lock.
    client.release(error as Error);
    throw error;
  }
}

async function trimAgents(
  client: PoolClient,
  nowMs: number,
  { maxAgeMs, maxTicks }: LogRetention,
  stopped: AbortSignal | undefined,
): Promise<number> {
  const before = new Date(nowMs - maxAgeMs);
  let deleted = 0;
  let after = '';
  while (!stopped?.aborted) {
    const { rows: agents } = await client.query<{ id: string; lastTick: number }>(
      `SELECT "agent_id" AS "id", "last_tick" AS "lastTick" FROM "agent_delivery_stats"
        WHERE "agent_id" > $1 ORDER BY "agent_id" LIMIT $2`,
      [after, AGENTS_PER_BITE],
    );
    if (agents.length === 0) break;
    let bite: number;
    do {
      // An agent's rows are settled in the order of their ticks: its oldest ones by key are the first to expire.
      const { rowCount } = await client.query(
        `DELETE FROM "agent_delivery_log" l
          USING unnest($1::text[], $2::bigint[]) a("agent_id", "last_tick")
                CROSS JOIN LATERAL (SELECT o."tick", o."settled_at" FROM "agent_delivery_log" o
                                     WHERE o."agent_id" = a."agent_id" ORDER BY o."tick" LIMIT $5) o
          WHERE l."agent_id" = a."agent_id" AND l."tick" = o."tick"
            AND (o."settled_at" < $3 OR o."tick" <= a."last_tick" - $4::bigint)`,
        [agents.map(({ id }) => id), agents.map(({ lastTick }) => lastTick), before, maxTicks, ROWS_PER_BITE],
      );
      bite = rowCount ?? 0;
      deleted += bite;
      // Fewer than one agent's share: nobody has more to give.
    } while (bite >= ROWS_PER_BITE && !stopped?.aborted);
    after = agents.at(-1)!.id;
  }
  return deleted;
}
