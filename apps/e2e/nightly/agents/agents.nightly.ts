import { setTimeout as sleep } from 'node:timers/promises';
import { randomOf, SEED, wholeBetween } from '../seed.js';
import { AgentsGround } from './agents-ground.js';
import { judge, type Judgement } from './judgement.js';
import type { MemoryTrend } from './memory-watch.js';
import { movesOf, type Move } from './moves.js';
import type { NightRecord } from './night-record.js';
import { tableOf } from './night-table.js';

const SECONDS = Number(process.env['NIGHTLY_SECONDS'] ?? 600);
const AGENTS = Number(process.env['NIGHTLY_AGENTS'] ?? 2_000);
/** Wall time between ticks, ms: slower where a machine cannot send so many callbacks in a second. */
const TICK_MS = Number(process.env['NIGHTLY_TICK_MS'] ?? 1_000);
/** Between two kills, s: long enough for the agents to be moved and to be seen moved. */
const PAUSES_S = { from: 45, to: 60 };
/** A minute to warm up, and two to compare; a short night has thirds. */
const SPAN_MS = Math.min(60_000, (SECONDS * 1_000) / 3);
/** After the last fault agents answer at once, for so long, so that what is carried gets where it belongs. */
const CALM_TICKS = 5;
const PROGRESS_EVERY_MS = 10_000;
/** The aim is 10 s. What takes three times as long is no move but an outage. */
const MOVED_WITHIN_MS = 30_000;

describe(`${SECONDS} s of ${AGENTS} agents with faults, a tick each ${TICK_MS} ms`, () => {
  let ground: AgentsGround;
  let night: NightRecord;
  let judgement: Judgement;
  let trends: MemoryTrend[];
  let moves: Move[];

  beforeAll(
    async () => {
      ground = await AgentsGround.prepare({ agents: AGENTS, tickMs: TICK_MS });
      console.log(`${AGENTS} agents registered in ${Math.round(ground.registeredMs / 1_000)} s`);
      const { fromMs, toMs } = await endure(ground);
      trends = ground.memory.trends(fromMs + SPAN_MS, toMs, SPAN_MS);
      ground.memory.stop();
      ground.receivers.calm();
      await sleep(CALM_TICKS * TICK_MS);
      night = await ground.finish();
      judgement = judge(night);
      moves = movesOf(night);
      console.log(tableOf({ night, judgement, trends, moves, seconds: (toMs - fromMs) / 1_000, seed: SEED }));
    },
    SECONDS * 1_000 + 1_200_000,
  );

  afterAll(async () => {
    await ground?.remove();
  }, 120_000);

  it('kills dispatchers only: nothing else has ended, and all are ready again', async () => {
    expect(ground.dispatchers.deaths).toEqual([]);
    await ground.dispatchers.ready();
  }, 90_000);

  it('brings each agent its ticks in order, one that was not settled perhaps twice', () => {
    expect(judgement.tally.arrivals).toBeGreaterThan(AGENTS);
    expect(judgement.order.slice(0, 10)).toEqual([]);
  });

  it('sends no settled tick again', () => {
    expect(judgement.settled.slice(0, 10)).toEqual([]);
  });

  it('gives each tick of each agent one end', () => {
    expect(judgement.ends.slice(0, 10)).toEqual([]);
  });

  it('loses no answer that was acknowledged, and brings its result', () => {
    expect(judgement.tally.results).toBeGreaterThan(AGENTS);
    expect(judgement.answers.slice(0, 10)).toEqual([]);
  });

  it("moves a dead dispatcher's agents to the other one", () => {
    expect(moves.length).toBeGreaterThan(0);
    expect(moves.filter(({ shardsMs }) => shardsMs > MOVED_WITHIN_MS)).toEqual([]);
  });

  it('keeps memory flat', () => {
    expect(trends.filter(({ flat }) => !flat)).toEqual([]);
  });
});

/** Lives through the night: kills, and says how it goes. @returns when it began and ended, ms since the epoch */
async function endure(ground: AgentsGround): Promise<{ fromMs: number; toMs: number }> {
  const random = randomOf('agents');
  const fromMs = Date.now();
  const toMs = fromMs + SECONDS * 1_000;
  const pauseMs = (): number => wholeBetween(random, PAUSES_S.from * 1_000, PAUSES_S.to * 1_000);
  let killAtMs = fromMs + pauseMs();
  let sayAtMs = fromMs + PROGRESS_EVERY_MS;
  let arrivals = ground.receivers.report.arrivals;
  for (let nowMs = fromMs; nowMs < toMs; nowMs = Date.now()) {
    await sleep(Math.max(0, Math.min(killAtMs, sayAtMs, toMs) - nowMs));
    // The last one has time to be seen moved.
    if (Date.now() >= killAtMs) {
      const victim = wholeBetween(random, 0, 1);
      if (killAtMs + MOVED_WITHIN_MS <= toMs) {
        await ground.replace(victim);
        console.log(`${seconds(Date.now() - fromMs)}: killed dispatcher ${victim}`);
      }
      killAtMs += pauseMs();
    }
    if (Date.now() >= sayAtMs) {
      const now = ground.receivers.report;
      const rate = Math.round((now.arrivals - arrivals) / (PROGRESS_EVERY_MS / 1_000));
      console.log(
        `${seconds(Date.now() - fromMs)}: tick ${now.newestTick}, ${now.arrivals} callbacks, ${rate} a second`,
      );
      arrivals = now.arrivals;
      sayAtMs += PROGRESS_EVERY_MS;
    }
  }
  return { fromMs, toMs };
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1_000)} s`;
}
