import type { MeasuredStretch } from './measure.js';
import { figuresOf, ingressLine, renderFigures, type Measured } from './report.js';

const stretch = (facts: Partial<MeasuredStretch> = {}): MeasuredStretch => ({
  accepted: 1_000,
  refused: {},
  seconds: 1,
  latenciesMs: new Float64Array(),
  worstDelayMs: 0,
  cpuUs: 100_000,
  ...facts,
});
const measured = (facts: Partial<Measured> = {}): Measured => ({
  log: 'kafka',
  ingress: [stretch()],
  bare: [stretch({ cpuUs: 50_000 })],
  atHalf: stretch({ latenciesMs: Float64Array.of(9, 1, 2, 3), accepted: 4, worstDelayMs: 0.5 }),
  rate: 500,
  ...facts,
});

it('divides the processor time of all rounds by all that was accepted in them', () => {
  const uneven = measured({
    ingress: [stretch(), stretch({ accepted: 3_000, cpuUs: 700_000, seconds: 3 })],
  });
  expect(figuresOf(uneven)).toMatchObject({ cpuUs: 200, bareCpuUs: 50, maxPerSecond: 1_000, rate: 500 });
});

it('lets the time of refused signals count against the accepted ones, and tells of them', () => {
  const refusing = measured({ ingress: [stretch({ accepted: 500, refused: { 429: 500 } })] });
  const figures = figuresOf(refusing);
  expect(figures).toMatchObject({ cpuUs: 200, maxPerSecond: 500, refused: { 429: 500 } });
  expect(renderFigures([figures])).toContain('500x429');
});

it('takes latencies from the open loop alone', () => {
  expect(figuresOf(measured())).toMatchObject({ p50Ms: 2, p99Ms: 9, accepted: 1_004, worstDelayMs: 0.5 });
});

it('writes the last line: ours on Kafka beside the bare route, and every log', () => {
  const line = ingressLine([figuresOf(measured({ log: 'postgres', bare: [stretch()] })), figuresOf(measured())]);
  expect(line).toMatchObject({
    bench: 'ingress',
    figure: 100,
    unit: 'us',
    baseline: 50,
    ratio: 0.5,
    peers: [{ figure: 50 }],
    p50Ms: 2,
    p99Ms: 9,
  });
  expect(line.runs).toEqual([
    expect.objectContaining({ log: 'postgres', ratio: 1 }),
    { log: 'kafka', cpuUs: 100, bareCpuUs: 50, ratio: 0.5, maxPerSecond: 1_000, p50Ms: 2, p99Ms: 9 },
  ]);
  expect(JSON.parse(JSON.stringify(line))).toEqual(line);
});

it('says null where nothing was accepted, so that the line stays JSON', () => {
  const nothing = figuresOf(measured({ ingress: [stretch({ accepted: 0 })] }));
  expect(ingressLine([nothing])).toMatchObject({ figure: null, ratio: null });
});
