import { benchLine, headlineOf, renderTable, type RunFigures } from './report.js';

const run = (facts: Partial<RunFigures>): RunFigures => ({
  log: 'kafka',
  rate: 500,
  p50Ms: 25.004,
  p99Ms: 80,
  bareP50Ms: 20,
  bareP99Ms: 60,
  accepted: 12_000,
  refused: 0,
  missing: 0,
  worstDelayMs: 1.25,
  ...facts,
});
const runs = [
  run({ log: 'postgres', rate: 1_000, p50Ms: 15, bareP50Ms: 9 }),
  run({ rate: 1_000 }),
  run({ maxPerSecond: 3_375 }),
];

it('speaks of Kafka at the lowest rate, else of the embedded log at the highest', () => {
  expect(headlineOf(runs)).toMatchObject({ log: 'kafka', rate: 500 });
  expect(headlineOf([run({ log: 'postgres' }), runs[0]!])).toMatchObject({ log: 'postgres', rate: 1_000 });
  expect(headlineOf([])).toBeUndefined();
});

it('writes the last line: the figure beside its baseline, and every run', () => {
  const line = benchLine(runs, headlineOf(runs)!);
  expect(line).toMatchObject({
    bench: 'pipeline',
    figure: 25,
    unit: 'ms',
    baseline: 20,
    ratio: 0.8,
    p50Ms: 25,
    p99Ms: 80,
  });
  expect(line.runs[0]).toEqual({ log: 'postgres', rate: 1_000, p50Ms: 15, p99Ms: 80, ratio: 0.6, maxPerSecond: null });
  expect(line.runs[2]).toMatchObject({ rate: 500, maxPerSecond: 3_375 });
  expect(JSON.parse(JSON.stringify(line))).toEqual(line);
});

it('says null where a run has no finite figure, so that the line stays JSON', () => {
  const lost = run({ p99Ms: Infinity, p50Ms: NaN });
  expect(benchLine([lost], lost)).toMatchObject({ figure: null, ratio: null, p99Ms: null });
});

it('renders a table with a line a run and columns that stand below their titles', () => {
  const lines = renderTable(runs).split('\n');
  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[3]).toMatch(/kafka\s+500\s+25\.0\s+80\.0\s+20\.0\s+60\.0\s+0\.80\s+12000\s+0\s+0\s+1\.\d\s+3375$/);
});
