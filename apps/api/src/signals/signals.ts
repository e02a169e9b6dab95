import { Inject, Injectable } from '@nestjs/common';
import type { EventEnvelope } from '@tickwire/contracts';
import type { AppHost } from '@tickwire/runtime';
import { HOST } from '../tokens.js';
import { SignalNews } from './signal-news.js';
import { signalStatus, type SignalStatus } from './signal-status.js';

/** A signal with its owner, who the caller has to be. */
export interface FoundSignal {
  tenantId: string;
  status: SignalStatus;
}

/** How often a waiting request looks by itself, for what other processes project. */
const LOOK_EVERY_MS = 250;

@Injectable()
export class Signals {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(SignalNews) private readonly news: SignalNews,
  ) {}

  /** @returns undefined while nothing of it has been projected */
  async find(webhookId: string): Promise<FoundSignal | undefined> {
    const { rows } = await this.host.pool.query<{ tenant_id: string; account_id: string | null; event: string }>(
      `SELECT "tenant_id", "account_id", "event" FROM "lifecycle_event" WHERE "webhook_id" = $1 ORDER BY "sequence"`,
      [webhookId],
    );
    const [first] = rows;
    if (first === undefined) return undefined;
    const events = rows.map((row) => JSON.parse(row.event) as EventEnvelope);
    let status = signalStatus(events, false);
    if (status.status === 'received' || status.status === 'validated') {
      status = signalStatus(events, await this.orderRests(webhookId, first.account_id, status));
    }
    return { tenantId: first.tenant_id, status };
  }

  /**
   * Looks again until `done` or the time is up.
   * @param timeoutMs 0: looks once
   */
  async wait(
    webhookId: string,
    timeoutMs: number,
    done: (found: FoundSignal | undefined) => boolean,
  ): Promise<FoundSignal | undefined> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      // Asked for before looking: news that comes while the database answers must not be missed.
      const news = this.news.next(webhookId, Math.min(LOOK_EVERY_MS, until - performance.now()));
      const found = await this.find(webhookId);
      if (done(found) || performance.now() >= until || this.news.over) return found;
      await news;
    }
  }

  /** Orders carry no index by signal: the account's, from the signal's receipt on, are few. */
  private async orderRests(webhookId: string, accountId: string | null, { timeline }: SignalStatus): Promise<boolean> {
    if (accountId === null) return false;
    const { rowCount } = await this.host.pool.query(
      `SELECT FROM "exec_order" WHERE "account_id" = $1 AND "created_at" >= $2::timestamptz - interval '5 minutes'
          AND "webhook_id" = $3 AND "leaves_qty"::numeric > 0 LIMIT 1`,
      [accountId, timeline[0]!.at, webhookId],
    );
    return (rowCount ?? 0) > 0;
  }
}
