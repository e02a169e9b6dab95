import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { SentSignal } from './signal-sender.js';

export interface Verdict {
  /** Signals with exactly one final event. */
  final: number;
  lost: string[];
  doubled: string[];
  executions: number;
  /** Of the account: net quantity, and the sum of its fills. */
  position: number;
  filled: number;
}

/** Compares what senders were told with what the database holds. */
export class Oracle {
  private readonly pool: pg.Pool;

  constructor(connectionString: string) {
    this.pool = new pg.Pool({ connectionString, max: 2, connectionTimeoutMillis: 5_000 });
    this.pool.on('error', () => undefined);
  }

  /** Waits until every signal has a final event, or the time is up; then counts. */
  async judge(accountId: string, sent: readonly SentSignal[], timeoutMs = 90_000): Promise<Verdict> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const verdict = await this.count(accountId, sent).catch(() => undefined);
      if (verdict && (verdict.final + verdict.doubled.length >= sent.length || performance.now() > until))
        return verdict;
      if (!verdict && performance.now() > until) throw new Error('The database cannot be read');
      await sleep(250);
    }
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  private async count(accountId: string, sent: readonly SentSignal[]): Promise<Verdict> {
    const { rows: finals } = await this.pool.query<{ signal_id: string; n: string }>(
      `SELECT "signal_id", count(*) AS "n" FROM "lifecycle_event" WHERE "account_id" = $1 AND "final" GROUP BY 1`,
      [accountId],
    );
    const byId = new Map(finals.map((row) => [row.signal_id, Number(row.n)]));
    const { rows: fills } = await this.pool.query<{ n: string; filled: string }>(
      `SELECT count(*) AS "n", coalesce(sum(CASE "side" WHEN 'buy' THEN "last_qty"::numeric ELSE -"last_qty"::numeric END), 0) AS "filled"
         FROM "exec_fill" WHERE "account_id" = $1`,
      [accountId],
    );
    const { rows: positions } = await this.pool.query<{ lots: string }>(
      `SELECT coalesce(sum("lots"), 0) AS "lots" FROM "exec_position" WHERE "account_id" = $1`,
      [accountId],
    );
    return {
      final: sent.filter(({ signalId }) => byId.get(signalId) === 1).length,
      lost: sent.filter(({ signalId }) => !byId.has(signalId)).map(({ signalId }) => signalId),
      doubled: sent.filter(({ signalId }) => (byId.get(signalId) ?? 0) > 1).map(({ signalId }) => signalId),
      executions: Number(fills[0]!.n),
      position: Number(positions[0]!.lots),
      filled: Number(fills[0]!.filled),
    };
  }
}
