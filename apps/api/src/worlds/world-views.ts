import { Inject, Injectable } from '@nestjs/common';
import type { SharedTick } from '@tickwire/contracts';
import type { AppHost } from '@tickwire/runtime';
import { formatDecimal, PRICE_DECIMALS, QUANTITY_DECIMALS } from '../accounts/amounts.js';
import { HOST } from '../tokens.js';

/** An instrument as of its world's latest tick. */
export interface Instrument {
  symbol: string;
  name: string;
  sector: string;
  /** Decimal string. */
  price: string;
  priceDecimals: number;
  quantityDecimals: number;
}

/** The shared part of each world's latest tick, as projected from the log. */
@Injectable()
export class WorldViews {
  constructor(@Inject(HOST) private readonly host: AppHost) {}

  /** @returns undefined before the first tick */
  async latest(worldId: string): Promise<SharedTick | undefined> {
    const { rows } = await this.host.pool.query<{ view: SharedTick }>(
      `SELECT "view" FROM "world_view" WHERE "world_id" = $1`,
      [worldId],
    );
    return rows[0]?.view;
  }

  async instruments(worldId: string): Promise<Instrument[]> {
    const view = await this.latest(worldId);
    return (view?.market.watchlist ?? []).map(({ symbol, name, sector, price }) => ({
      symbol,
      name,
      sector,
      price: formatDecimal(Math.round(price * 10 ** PRICE_DECIMALS), PRICE_DECIMALS),
      priceDecimals: PRICE_DECIMALS,
      quantityDecimals: QUANTITY_DECIMALS,
    }));
  }
}
