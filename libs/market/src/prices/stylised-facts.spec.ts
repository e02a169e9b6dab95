import { Scenario } from '../world/scenario.js';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function kurtosis(values: readonly number[]): number {
  const centre = mean(values);
  const variance = mean(values.map((value) => (value - centre) ** 2));
  return mean(values.map((value) => (value - centre) ** 4)) / variance ** 2;
}

function autocorrelation(values: readonly number[], lag: number): number {
  const centre = mean(values);
  const variance = mean(values.map((value) => (value - centre) ** 2));
  const products = values.slice(lag).map((value, index) => (value - centre) * ((values[index] ?? 0) - centre));
  return mean(products) / variance;
}

/** Prices of every company over some days of trading without agents. */
function history(seed: string, ticks: number): { base: number; prices: number[] }[] {
  const scenario = new Scenario({ seed, companies: 20, closedTicks: 0 });
  const series = scenario.world
    .companies()
    .map(({ basePriceCents }) => ({ base: basePriceCents, prices: [] as number[] }));
  for (let tick = 0; tick < ticks; tick += 1) {
    const { quotes } = scenario.step();
    quotes.forEach(({ priceCents }, index) => series[index]?.prices.push(priceCents));
  }
  return series;
}

describe('prices without agents', () => {
  const series = history('facts', 6_000);
  // Cheap shares move by whole cents, which blurs small returns; the facts are about the process.
  const returns = series
    .filter(({ base }) => base > 3_000)
    .map(({ prices }) => prices.slice(1).map((price, index) => Math.log(price / (prices[index] ?? price))));

  it('has enough companies to speak of', () => {
    expect(returns.length).toBeGreaterThanOrEqual(5);
  });

  it('have fat tails: kurtosis far above the normal 3', () => {
    for (const one of returns) expect(kurtosis(one)).toBeGreaterThan(3.5);
  });

  it('cluster: large moves follow large moves', () => {
    const lags = [1, 5, 20];
    for (const lag of lags) {
      expect(mean(returns.map((one) => autocorrelation(one.map(Math.abs), lag)))).toBeGreaterThan(0.1);
    }
  });

  it('cannot be foretold from the last move', () => {
    expect(Math.abs(mean(returns.map((one) => autocorrelation(one, 1))))).toBeLessThan(0.05);
  });

  it('move together with the market', () => {
    const market = (returns[0] ?? []).map((_, tick) => mean(returns.map((one) => one[tick] ?? 0)));
    const alone = mean(returns.map((one) => mean(one.map((value) => value * value))));
    // Independent companies would average out to 1/n of one company's variance.
    expect(mean(market.map((value) => value * value)) / alone).toBeGreaterThan(2 / returns.length);
  });

  it('stay within a sane band of where they began, cheap ones and wild sectors included', () => {
    for (const { base, prices } of series) {
      expect(Math.min(...prices) / base).toBeGreaterThan(0.2);
      expect(Math.max(...prices) / base).toBeLessThan(5);
    }
  });
});
