import type { DispatchStretch, MaximumStretches } from './parts/maximum.js';
import { maximumFigures, renderFigures, ticksLine, type ClockFigures } from './report.js';

const stretch = (facts: Partial<DispatchStretch> = {}): DispatchStretch => ({
  sent: 1_000,
  seconds: 0.1,
  cpuUs: 100_000,
  postgresCpuUs: 50_000,
  ...facts,
});
const stretches = (facts: Partial<MaximumStretches> = {}): MaximumStretches => ({
  agents: 1_000,
  ours: [stretch()],
  undici: [stretch({ cpuUs: 80_000 })],
  got: [stretch({ cpuUs: 400_000, seconds: 0.4 })],
  ...facts,
});
const clock = (facts: Partial<ClockFigures> = {}): ClockFigures => ({
  log: 'postgres',
  part: 'latency',
  agents: 1_000,
  hanging: 0,
  callbacks: 20_000,
  sentP50Ms: 10,
  sentP99Ms: 20,
  p50Ms: 11,
  p99Ms: 22,
  lastP50Ms: 30,
  lastMaxMs: 40,
  insideShare: 1,
  missingShare: 0,
  busy: { dispatcher: 0.4, postgres: 0.3, receivers: 0.2, publisher: 0.1 },
  worstDelayMs: 0.5,
  ...facts,
});

it('divides the processor time of all rounds by all callbacks in them', () => {
  const uneven = stretches({ ours: [stretch(), stretch({ sent: 3_000, cpuUs: 700_000, seconds: 0.3 })] });
  expect(maximumFigures('postgres', uneven)).toMatchObject({
    cpuUs: 200,
    postgresCpuUs: 25,
    undiciCpuUs: 80,
    gotCpuUs: 400,
    perSecond: 10_000,
    gotPerSecond: 2_500,
  });
});

it('ends with a line about the world of 1,000 agents', () => {
  const maximum = [
    maximumFigures('postgres', stretches({ agents: 100, ours: [stretch({ cpuUs: 1 })] })),
    maximumFigures('postgres', stretches()),
    maximumFigures('postgres', stretches({ agents: 10_000 })),
  ];
  const line = ticksLine({ maximum, clock: [clock({ agents: 500, p50Ms: 1 }), clock(), clock({ part: 'hanging' })] });
  expect(line).toMatchObject({
    bench: 'ticks',
    figure: 100,
    unit: 'us',
    baseline: 80,
    ratio: 0.8,
    peers: [
      { name: 'bare undici loop', figure: 80 },
      { name: 'got', figure: 400 },
    ],
    p50Ms: 11,
    p99Ms: 22,
  });
  expect(line.runs.map(({ part, agents }) => `${part} ${agents}`)).toEqual([
    'cpu 100',
    'cpu 1000',
    'cpu 10000',
    'latency 500',
    'latency 1000',
    'hanging 1000',
  ]);
  expect(line.runs[1]).toMatchObject({ ratio: 0.8, timesGotRate: 4, perSecond: 10_000 });
  expect(JSON.parse(JSON.stringify(line))).toEqual(line);
});

it('compares the p99 of those that answer with and without others that hang', () => {
  const figures = {
    maximum: [],
    clock: [
      clock({ part: 'isolation', agents: 160, p99Ms: 20 }),
      clock({ part: 'isolation', agents: 200, hanging: 40, p99Ms: 25 }),
    ],
  };
  expect(ticksLine(figures).runs.at(-1)).toEqual({ part: 'isolation', log: 'postgres', p99Ratio: 1.25 });
  expect(renderFigures(figures)).toContain('1.25 times');
});

it('says what limits the great world', () => {
  const busy = { dispatcher: 0.98, postgres: 0.2, receivers: 0.1, publisher: 0.1 };
  const great = clock({ part: 'ten-thousand', agents: 10_000, insideShare: 0.5, missingShare: 0.25, busy });
  expect(renderFigures({ maximum: [], clock: [great] })).toContain('50.00 % inside the tick, 25.00 % superseded');
  expect(ticksLine({ maximum: [], clock: [great] }).runs[0]).toMatchObject({ insideShare: 0.5, dispatcherBusy: 0.98 });
});

it('says null where a part was not measured or a callback never came, so that the line stays JSON', () => {
  expect(ticksLine({ maximum: [], clock: [] })).toMatchObject({ figure: null, ratio: null, p50Ms: null, runs: [] });
  const late = ticksLine({ maximum: [], clock: [clock({ p99Ms: Infinity })] });
  expect(late).toMatchObject({ p50Ms: 11, p99Ms: null });
  expect(JSON.parse(JSON.stringify(late))).toEqual(late);
});
