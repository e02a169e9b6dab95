import { Inject, Injectable } from '@nestjs/common';
import { UUID } from '@tickwire/contracts';
import type { AppHost } from '@tickwire/runtime';
import type { ListQuery } from '../listing/list-query.js';
import { pageOf, readTimeCursor, writeTimeCursor, type Page } from '../listing/page.js';
import { HOST } from '../tokens.js';

/** Quantities and prices are decimal strings, as in the events. */
export interface AccountFill {
  fillId: string;
  orderId: string;
  accountId: string;
  signalId: string;
  symbol: string;
  side: string;
  lastQty: string;
  lastPx: string;
  commission: string;
  realisedPnl: string;
  quoteId: string;
  executedAt: Date;
}

export interface AccountOrder {
  orderId: string;
  accountId: string;
  signalId: string;
  webhookId: string;
  botId: string | null;
  symbol: string;
  side: string;
  type: string;
  status: string;
  quantity: string;
  limitPrice: string | null;
  cumQty: string;
  leavesQty: string;
  avgPx: string | null;
  version: number;
  createdAt: Date;
  updatedAt: Date;
}

/** Fills and orders of one account, newest first, from execution's tables. The caller has checked whose account it is. */
@Injectable()
export class AccountHistory {
  constructor(@Inject(HOST) private readonly host: AppHost) {}

  async fills(accountId: string, { limit, cursor }: ListQuery): Promise<Page<AccountFill>> {
    const before = readTimeCursor(cursor, UUID);
    const { rows } = await this.host.pool.query<AccountFill>(
      `SELECT "fill_id" AS "fillId", "order_id" AS "orderId", "account_id" AS "accountId", "signal_id" AS "signalId", "symbol",
              "side", "last_qty" AS "lastQty", "last_px" AS "lastPx", "commission", "realised" AS "realisedPnl",
              "quote_id" AS "quoteId", "executed_at" AS "executedAt"
         FROM "exec_fill"
        WHERE "account_id" = $1 AND ($2::timestamptz IS NULL OR ("executed_at", "fill_id") < ($2, $3::uuid))
        ORDER BY "executed_at" DESC, "fill_id" DESC LIMIT $4`,
      [accountId, before?.at ?? null, before?.id ?? null, limit + 1],
    );
    return pageOf(rows, limit, (fill) => writeTimeCursor({ at: fill.executedAt, id: fill.fillId }));
  }

  async orders(accountId: string, { limit, cursor }: ListQuery): Promise<Page<AccountOrder>> {
    const before = readTimeCursor(cursor, UUID);
    const { rows } = await this.host.pool.query<AccountOrder>(
      `SELECT "order_id" AS "orderId", "account_id" AS "accountId", "signal_id" AS "signalId", "webhook_id" AS "webhookId",
              "bot_id" AS "botId", "symbol", "side", "type", "status", "quantity", "limit_price" AS "limitPrice",
              "cum_qty" AS "cumQty", "leaves_qty" AS "leavesQty", "avg_px" AS "avgPx", "version",
              "created_at" AS "createdAt", "updated_at" AS "updatedAt"
         FROM "exec_order"
        WHERE "account_id" = $1 AND ($2::timestamptz IS NULL OR ("created_at", "order_id") < ($2, $3::uuid))
        ORDER BY "created_at" DESC, "order_id" DESC LIMIT $4`,
      [accountId, before?.at ?? null, before?.id ?? null, limit + 1],
    );
    return pageOf(rows, limit, (order) => writeTimeCursor({ at: order.createdAt, id: order.orderId }));
  }
}
