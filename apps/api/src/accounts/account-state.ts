import { Inject, Injectable } from '@nestjs/common';
import type { SharedTick } from '@tickwire/contracts';
import type { AppHost } from '@tickwire/runtime';
import { HOST } from '../tokens.js';
import { averagePrice, formatDecimal, MINOR_DIGITS, PRICE_DECIMALS, QUANTITY_DECIMALS } from './amounts.js';
import type { Account } from './accounts.js';
import { LatestQuotes, type QuotedPrice } from './latest-quotes.js';

/** What execution has made of the account; all amounts are decimal strings in its currency. */
export interface AccountState {
  status: string;
  balance: string;
  /** Balance and unrealised profit at the prices positions could be closed at; absent while one of them has no quote. */
  equity?: string;
  realisedPnl: string;
  fees: string;
  /** Grows by one with every change. */
  version: number;
  updatedAt: Date;
}

export interface AccountPosition {
  symbol: string;
  /** Negative when short. */
  quantity: string;
  averagePrice: string;
  realisedPnl: string;
  /** The price it could be closed at; absent without a quote. */
  price?: string;
  unrealisedPnl?: string;
}

interface StateRow {
  status: string;
  balance: number;
  fees: number;
  realised: number;
  version: number;
  updatedAt: Date;
}

interface PositionRow {
  symbol: string;
  lots: number;
  /** NUMERIC, exact. */
  cost: string;
  realised: number;
}

/** Reads accounts' state from execution's tables; writes nothing there. */
@Injectable()
export class AccountStates {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(LatestQuotes) private readonly quotes: LatestQuotes,
  ) {}

  /** @returns undefined until execution has taken the account up */
  async state(account: Account): Promise<AccountState | undefined> {
    const { rows } = await this.host.pool.query<StateRow & { positions: PositionRow[] }>(
      `SELECT a."status", a."balance", a."fees", a."realised", a."version", a."updated_at" AS "updatedAt",
              coalesce((SELECT jsonb_agg(jsonb_build_object('symbol', p."symbol", 'lots', p."lots", 'cost', p."cost"::text,
                                                            'realised', p."realised"))
                          FROM "exec_position" p WHERE p."account_id" = a."account_id" AND p."lots" <> 0), '[]') AS "positions"
         FROM "exec_account" a WHERE a."account_id" = $1`,
      [account.id],
    );
    const [row] = rows;
    if (row === undefined) return undefined;
    const equity = await this.equity(account.quoteSource, row.balance, row.positions);
    return {
      status: row.status,
      balance: formatDecimal(row.balance, MINOR_DIGITS),
      ...(equity === undefined ? {} : { equity: formatDecimal(equity, MINOR_DIGITS) }),
      realisedPnl: formatDecimal(row.realised, MINOR_DIGITS),
      fees: formatDecimal(row.fees, MINOR_DIGITS),
      version: row.version,
      updatedAt: row.updatedAt,
    };
  }

  /** Open positions, by symbol. */
  async positions(account: Account): Promise<AccountPosition[]> {
    const { rows } = await this.host.pool.query<PositionRow>(
      `SELECT "symbol", "lots", "cost"::text AS "cost", "realised" FROM "exec_position"
        WHERE "account_id" = $1 AND "lots" <> 0 ORDER BY "symbol"`,
      [account.id],
    );
    const prices = rows.length === 0 ? undefined : await this.prices(account.quoteSource);
    return rows.map((row) => {
      const price = closingPrice(row, prices);
      return {
        symbol: row.symbol,
        quantity: formatDecimal(row.lots, QUANTITY_DECIMALS),
        averagePrice: averagePrice(BigInt(row.cost), BigInt(row.lots)),
        realisedPnl: formatDecimal(row.realised, MINOR_DIGITS),
        ...(price === undefined
          ? {}
          : {
              price: formatDecimal(price, PRICE_DECIMALS),
              unrealisedPnl: formatDecimal(unrealised(row, price), MINOR_DIGITS),
            }),
      };
    });
  }

  private async equity(
    source: string,
    balance: number,
    positions: readonly PositionRow[],
  ): Promise<bigint | undefined> {
    let equity = BigInt(balance);
    if (positions.length === 0) return equity;
    const prices = await this.prices(source);
    for (const position of positions) {
      const price = closingPrice(position, prices);
      if (price === undefined) return undefined;
      equity += unrealised(position, price);
    }
    return equity;
  }

  /** Of the latest quote heard; else of the world's latest tick, as for a world that is paused since before this process began. */
  private async prices(source: string): Promise<ReadonlyMap<string, QuotedPrice>> {
    const heard = this.quotes.of(source);
    if (heard !== undefined) return heard;
    const { rows } = await this.host.pool.query<{ view: SharedTick }>(
      `SELECT "view" FROM "world_view" WHERE "world_id" = $1`,
      [source],
    );
    return new Map(
      (rows[0]?.view.market.watchlist ?? []).map(({ symbol, price }) => {
        const cents = Math.round(price * 10 ** PRICE_DECIMALS);
        return [symbol, { bid: cents, ask: cents }];
      }),
    );
  }
}

function closingPrice(
  { symbol, lots }: PositionRow,
  prices: ReadonlyMap<string, QuotedPrice> | undefined,
): number | undefined {
  const quote = prices?.get(symbol);
  return lots > 0 ? quote?.bid : quote?.ask;
}

/** Minor units: a price step on a lot is one cent. */
function unrealised({ lots, cost }: PositionRow, price: number): bigint {
  return BigInt(lots) * BigInt(price) - BigInt(cost);
}
