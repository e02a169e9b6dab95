import type { RandomSource } from '../random.js';

export type Sector =
  | 'technology'
  | 'finance'
  | 'healthcare'
  | 'consumer'
  | 'energy'
  | 'industrial'
  | 'crypto'
  | 'real_estate'
  | 'meme'
  | 'utilities';

/** What never changes about a listed company. */
export interface Company {
  /** 3-5 capital letters, unique in the world. */
  symbol: string;
  name: string;
  sector: Sector;
  sharesOutstanding: number;
  /** The smallest price move. All prices of the market are cents. */
  priceStepCents: 1;
  /** Price at tick 0, and the level that fundamentals return to. */
  basePriceCents: number;
}

export interface SectorProfile {
  sector: Sector;
  /** Companies among a hundred. */
  weight: number;
  /** Standard deviation of a day's log return. */
  dailyVolatility: number;
  /** Loading on the market factor. */
  beta: number;
}

export const SECTORS: readonly SectorProfile[] = [
  { sector: 'technology', weight: 25, dailyVolatility: 0.025, beta: 1.2 },
  { sector: 'finance', weight: 15, dailyVolatility: 0.018, beta: 1.1 },
  { sector: 'healthcare', weight: 12, dailyVolatility: 0.02, beta: 0.9 },
  { sector: 'consumer', weight: 12, dailyVolatility: 0.015, beta: 0.95 },
  { sector: 'energy', weight: 8, dailyVolatility: 0.03, beta: 1.3 },
  { sector: 'industrial', weight: 8, dailyVolatility: 0.018, beta: 1 },
  { sector: 'crypto', weight: 7, dailyVolatility: 0.05, beta: 0.3 },
  { sector: 'real_estate', weight: 5, dailyVolatility: 0.022, beta: 0.8 },
  { sector: 'meme', weight: 5, dailyVolatility: 0.08, beta: 0.2 },
  { sector: 'utilities', weight: 3, dailyVolatility: 0.012, beta: 0.5 },
];

export const PROFILES: Readonly<Record<Sector, SectorProfile>> = Object.fromEntries(
  SECTORS.map((profile) => [profile.sector, profile]),
) as Record<Sector, SectorProfile>;

const PRICE_CENTS = { min: 500, max: 50_000 };
const MARKET_CAP_CENTS = { min: 1e10, max: 5e13 };
const HEADS = ['Al', 'Bra', 'Cor', 'Del', 'Ely', 'Fen', 'Gra', 'Hel', 'Ino', 'Jun', 'Kes', 'Lum', 'Mar', 'Nor'];
const MORE_HEADS = ['Ori', 'Pra', 'Qua', 'Rav', 'Sol', 'Tev', 'Umb', 'Ver', 'Wex', 'Xen', 'Yar', 'Zep'];
const TAILS = ['con', 'dex', 'fal', 'gen', 'lan', 'mont', 'nix', 'phor', 'ron', 'sys', 'tara', 'vane', 'wick', 'zon'];
const SUFFIXES: Readonly<Record<Sector, readonly string[]>> = {
  technology: ['Systems', 'Software', 'Semiconductor', 'Networks'],
  finance: ['Capital', 'Bancorp', 'Trust', 'Insurance'],
  healthcare: ['Therapeutics', 'Health', 'Biosciences', 'Devices'],
  consumer: ['Brands', 'Foods', 'Retail', 'Apparel'],
  energy: ['Energy', 'Petroleum', 'Drilling', 'Renewables'],
  industrial: ['Industries', 'Manufacturing', 'Aerospace', 'Logistics'],
  crypto: ['Protocol', 'Chain', 'Mining', 'Exchange'],
  real_estate: ['Properties', 'Realty', 'Estates', 'Land'],
  meme: ['Rocket', 'Moon', 'Doge', 'Apes'],
  utilities: ['Power', 'Water', 'Grid', 'Gas'],
};

/**
 * The companies of a world. Company n is the same whatever number of companies the world has; every prefix
 * of the list is spread over the sectors as the whole hundred is.
 */
export function generateCompanies(count: number, random: RandomSource): Company[] {
  const taken = new Set<string>();
  return sectorSequence(count).map((sector, index) => {
    const draws = random.draws('company', String(index), 0);
    let stem = '';
    let symbol = '';
    for (let attempt = 0; symbol === '' || taken.has(symbol); attempt += 1) {
      const heads = [...HEADS, ...MORE_HEADS];
      stem = pick(heads, draws.unit()) + pick(TAILS, draws.unit());
      const letters = stem.toUpperCase().slice(0, 3 + draws.below(2));
      // After many clashes a last letter at random settles it.
      symbol = attempt < 8 ? letters : letters.slice(0, 4) + String.fromCharCode(65 + draws.below(26));
    }
    taken.add(symbol);
    const basePriceCents = Math.round(logUniform(PRICE_CENTS, draws.unit()));
    const capCents = logUniform(MARKET_CAP_CENTS, draws.unit());
    return {
      symbol,
      name: `${stem} ${pick(SUFFIXES[sector], draws.unit())}`,
      sector,
      sharesOutstanding: 2 * Math.round(capCents / basePriceCents / 2),
      priceStepCents: 1,
      basePriceCents,
    };
  });
}

/** Deals sectors by their weights: each company goes to the sector that lags furthest behind its share. */
function sectorSequence(count: number): Sector[] {
  const dealt = new Map<Sector, number>();
  return Array.from({ length: count }, (_, index) => {
    const lag = (profile: SectorProfile): number =>
      (profile.weight / 100) * (index + 1) - (dealt.get(profile.sector) ?? 0);
    const { sector } = SECTORS.reduce((most, profile) => (lag(profile) > lag(most) + 1e-9 ? profile : most));
    dealt.set(sector, (dealt.get(sector) ?? 0) + 1);
    return sector;
  });
}

function logUniform(range: { min: number; max: number }, unit: number): number {
  return range.min * Math.exp(unit * Math.log(range.max / range.min));
}

function pick(choices: readonly string[], unit: number): string {
  return choices[Math.floor(unit * choices.length)] ?? '';
}
