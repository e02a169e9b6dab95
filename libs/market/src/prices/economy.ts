import type { Draws, RandomSource } from '../random.js';

export type Regime = 'bull' | 'bear' | 'crash' | 'bubble' | 'normal';

/** What moves all companies together. Plain data, part of the world's state. */
export interface Economy {
  regime: Regime;
  /** Logarithm of the market-wide volatility factor, mean 0. */
  logVolatility: number;
  /** Decimals: .05 is 5 %. */
  interestRate: number;
  inflationRate: number;
  gdpGrowth: number;
}

interface RegimeProfile {
  /** Log drift of fundamentals a day, for beta 1. */
  dailyDrift: number;
  /** Factor on every volatility. */
  volatility: number;
  interestRate: number;
  inflationRate: number;
  gdpGrowth: number;
  /** Chance an open tick to turn into another regime. */
  turns: readonly (readonly [Regime, number])[];
}

/**
 * Chosen so that a regime lasts a few days of 390 ticks (a crash less than one), most time is `normal`, and crashes
 * follow bubbles. Rates are the default world's in `normal`, and lean as they do in such times.
 */
export const REGIMES: Readonly<Record<Regime, RegimeProfile>> = {
  normal: {
    dailyDrift: 0,
    volatility: 1,
    interestRate: 0.0525,
    inflationRate: 0.032,
    gdpGrowth: 0.028,
    turns: [
      ['bull', 0.0004],
      ['bear', 0.0003],
    ],
  },
  bull: {
    dailyDrift: 0.004,
    volatility: 0.9,
    interestRate: 0.055,
    inflationRate: 0.035,
    gdpGrowth: 0.034,
    turns: [
      ['normal', 0.0006],
      ['bubble', 0.0002],
      ['bear', 0.0001],
    ],
  },
  bubble: {
    dailyDrift: 0.012,
    volatility: 1.3,
    interestRate: 0.065,
    inflationRate: 0.045,
    gdpGrowth: 0.04,
    turns: [
      ['crash', 0.0012],
      ['normal', 0.0005],
    ],
  },
  bear: {
    dailyDrift: -0.005,
    volatility: 1.25,
    interestRate: 0.04,
    inflationRate: 0.025,
    gdpGrowth: 0.01,
    turns: [
      ['normal', 0.0008],
      ['crash', 0.0001],
    ],
  },
  crash: {
    dailyDrift: -0.08,
    volatility: 2,
    interestRate: 0.025,
    inflationRate: 0.015,
    gdpGrowth: -0.02,
    turns: [
      ['normal', 0.003],
      ['bear', 0.002],
    ],
  },
};

/** AR(1) of log-volatility: clusters last about a hundred ticks. */
export const VOLATILITY_MEMORY = 0.99;
const MARKET_INNOVATION = 0.07;
/** The leverage effect: falling markets become wilder. */
const LEVERAGE_CORRELATION = -0.4;
const RATE_SPEED = 0.002;
const RATE_NOISE = 0.00001;

/** The market factor and each sector's, standard normal, drawn once a tick. */
export interface Factors {
  market: number;
  sector(name: string): number;
}

export function initialEconomy(): Economy {
  const { interestRate, inflationRate, gdpGrowth } = REGIMES.normal;
  return { regime: 'normal', logVolatility: 0, interestRate, inflationRate, gdpGrowth };
}

/** Moves the economy one tick on, in place. @returns the tick's common factors */
export function moveEconomy(economy: Economy, tick: number, open: boolean, random: RandomSource): Factors {
  const draws = random.draws('market', '', tick);
  const market = draws.normal();
  const ownPart = Math.sqrt(1 - LEVERAGE_CORRELATION * LEVERAGE_CORRELATION) * draws.normal();
  economy.logVolatility =
    VOLATILITY_MEMORY * economy.logVolatility + MARKET_INNOVATION * (LEVERAGE_CORRELATION * market + ownPart);
  const { interestRate, inflationRate, gdpGrowth } = REGIMES[economy.regime];
  economy.interestRate = lean(economy.interestRate, interestRate, draws);
  economy.inflationRate = lean(economy.inflationRate, inflationRate, draws);
  economy.gdpGrowth = lean(economy.gdpGrowth, gdpGrowth, draws);
  if (open) economy.regime = turn(economy.regime, draws.unit());
  return { market, sector: (name) => random.draws('sector', name, tick).normal() };
}

function lean(rate: number, goal: number, draws: Draws): number {
  return rate + RATE_SPEED * (goal - rate) + RATE_NOISE * draws.normal();
}

function turn(regime: Regime, unit: number): Regime {
  let reached = 0;
  for (const [next, chance] of REGIMES[regime].turns) {
    reached += chance;
    if (unit < reached) return next;
  }
  return regime;
}
