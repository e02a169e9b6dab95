import type { Draws } from '../random.js';
import { PROFILES, type Company } from './company.js';
import { REGIMES, VOLATILITY_MEMORY, type Economy } from './economy.js';

/** One company's hidden price state; logarithms of cents. Plain data, part of the world's state. */
export interface PriceState {
  logFundamental: number;
  /** The fair value that the market maker quotes around. */
  logReference: number;
  /** Logarithm of the company's own volatility factor, mean 0. */
  logVolatility: number;
}

/** One tick's influences on a company. */
export interface PriceInputs {
  economy: Readonly<Economy>;
  marketFactor: number;
  sectorFactor: number;
  open: boolean;
  /** Shares agents bought (positive) or sold (negative) from the market since the last move, on balance. */
  flowShares: number;
  draws: Draws;
}

/** Ticks of a trading day: turns daily figures into figures a tick. */
export const TICKS_A_DAY = 390;
/** Quiet hours: the quote venue never closes, but little happens. */
const CLOSED_ACTIVITY = 0.4;
const OWN_INNOVATION = 0.04;
const MARKET_LOADING = 0.45;
const SECTOR_LOADING = 0.35;
const JUMP_CHANCE = 0.0005;
const JUMP_SIGMAS = 4;
/** Pull of the price to its fundamental. Much more would show as reversal in the returns. */
const KAPPA = 0.002;
/** Pull of the fundamental to its base level: about 20 days, so that nothing drifts away. */
const THETA = 1 / (20 * TICKS_A_DAY);
const FUNDAMENTAL_SHARE = 0.5;
/** A net flow of a whole day's volume moves the price by one daily sigma for good. */
const IMPACT = 1;
const LOG_FLOOR = 0;
/** A hundred million cents: far outside the reach of the process, a guard for integer arithmetic only. */
const LOG_CEILING = Math.log(1e8);

export function initialPrice(company: Company): PriceState {
  const level = Math.log(company.basePriceCents);
  return { logFundamental: level, logReference: level, logVolatility: 0 };
}

/** Present standard deviation of the company's log return over a day, without the regime's factor. */
export function dailySigma(company: Company, price: PriceState, economy: Economy): number {
  return PROFILES[company.sector].dailyVolatility * Math.exp(economy.logVolatility + price.logVolatility);
}

/** Shares usually traded in a day, the yardstick for impact. */
export function usualDailyShares(company: Company): number {
  return Math.min(780_000, company.sharesOutstanding / 2);
}

/**
 * Moves one company's price a tick on, in place: log-volatility AR(1), a shock of market, sector and fat-tailed own
 * part with rare jumps, a pull to a slowly reverting fundamental, and the agents' permanent impact.
 *
 * The impact is linear in the flow: a concave one would pay whoever buys in crumbs and sells at once. The temporary
 * part needs no formula: it is the book's depth and the market maker's inventory skew.
 *
 * @returns the standardised shock of this tick, which also drives the crowd's volume
 */
export function movePrice(company: Company, price: PriceState, inputs: PriceInputs): number {
  const { economy, draws } = inputs;
  const { dailyVolatility, beta } = PROFILES[company.sector];
  const regime = REGIMES[economy.regime];
  const activity = inputs.open ? 1 : CLOSED_ACTIVITY;
  const daySigma = dailySigma(company, price, economy);
  const tickSigma = (daySigma * regime.volatility * activity) / Math.sqrt(TICKS_A_DAY);

  const marketLoading = MARKET_LOADING * beta;
  const ownLoading = Math.sqrt(1 - marketLoading * marketLoading - SECTOR_LOADING * SECTOR_LOADING);
  let shock =
    marketLoading * inputs.marketFactor + SECTOR_LOADING * inputs.sectorFactor + ownLoading * draws.fatTailed();
  if (draws.unit() < JUMP_CHANCE) shock += JUMP_SIGMAS * draws.normal();

  const dayShare = inputs.flowShares / usualDailyShares(company);
  const impact = IMPACT * daySigma * Math.max(-1, Math.min(1, dayShare));
  const drift = (regime.dailyDrift * beta * activity) / TICKS_A_DAY;
  const surprise = (FUNDAMENTAL_SHARE * dailyVolatility * activity * draws.normal()) / Math.sqrt(TICKS_A_DAY);
  const gap = price.logFundamental - price.logReference;

  price.logFundamental += drift + surprise + impact + THETA * (Math.log(company.basePriceCents) - price.logFundamental);
  price.logReference = clampLog(price.logReference + drift + tickSigma * shock + impact + KAPPA * gap);
  price.logVolatility = VOLATILITY_MEMORY * price.logVolatility + OWN_INNOVATION * draws.normal();
  return shock;
}

function clampLog(value: number): number {
  return Math.max(LOG_FLOOR, Math.min(LOG_CEILING, value));
}
