import { RandomSource } from '../random.js';
import { generateCompanies, SECTORS } from './company.js';

describe('generateCompanies', () => {
  const companies = generateCompanies(100, new RandomSource('seed'));

  it('spreads a hundred companies over the sectors as the default world does', () => {
    for (const { sector, weight } of SECTORS) {
      expect([sector, companies.filter((company) => company.sector === sector).length]).toEqual([sector, weight]);
    }
  });

  it('gives unique symbols of 3 to 5 letters, prices of 5 to 500 and caps of 1e8 to 5e11, in units and cents', () => {
    expect(new Set(companies.map(({ symbol }) => symbol)).size).toBe(100);
    for (const { symbol, basePriceCents, sharesOutstanding } of companies) {
      expect(symbol).toMatch(/^[A-Z]{3,5}$/);
      expect(basePriceCents).toBeGreaterThanOrEqual(500);
      expect(basePriceCents).toBeLessThanOrEqual(50_000);
      // Whole shares, an even number of them, leave the cap a little off its draw.
      expect(basePriceCents * sharesOutstanding).toBeGreaterThan(0.99e10);
      expect(basePriceCents * sharesOutstanding).toBeLessThan(5.01e13);
      expect(sharesOutstanding % 2).toBe(0);
    }
  });

  it('gives the same company the same facts in a smaller world, and others with another seed', () => {
    expect(generateCompanies(10, new RandomSource('seed'))).toEqual(companies.slice(0, 10));
    expect(generateCompanies(10, new RandomSource('other'))).not.toEqual(companies.slice(0, 10));
  });

  it('finds enough symbols for the largest world', () => {
    const many = generateCompanies(500, new RandomSource('seed'));
    expect(new Set(many.map(({ symbol }) => symbol)).size).toBe(500);
  });
});
