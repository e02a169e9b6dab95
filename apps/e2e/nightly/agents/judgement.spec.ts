import { derivedId } from '@tickwire/contracts';
import { judge, type Judgement } from './judgement.js';
import { trendOf } from './memory-watch.js';
import { movesOf } from './moves.js';
import type { AgentNight, Arrival, End, NightRecord } from './night-record.js';

const SECOND = 1_000;
const LAST = 10;

function arrival(tick: number, more: Partial<Arrival> = {}): Arrival {
  const deliveryId = derivedId(`wld/agt/${tick}`, 'delivery');
  // The result of an answer comes with the tick after it.
  const results = tick > 1 ? [{ answeredTick: tick - 1, resultId: `res${tick - 1}` }] : [];
  const atMs = more.atMs ?? tick * SECOND;
  return { atMs, composedAtMs: atMs, tick, attempt: 1, deliveryId, taken: true, results, ...more };
}

function end(tick: number, more: Partial<End> = {}): End {
  return { tick, outcome: 'delivered', actions: tick < LAST ? 1 : 0, atMs: tick * SECOND + 10, ...more };
}

/** One agent that was called, answered and told the result, tick by tick; the last one is answered without actions. */
function spotless(): AgentNight {
  const ticks = Array.from({ length: LAST }, (_, n) => n + 1);
  const answered = ticks.slice(0, -1);
  return {
    shard: 0,
    arrivals: ticks.map((tick) => arrival(tick)),
    ends: ticks.map((tick) => end(tick)),
    answers: new Map(answered.map((tick) => [tick, 1])),
    results: new Map(answered.map((tick) => [tick, [`res${tick}`]])),
    firstTick: 1,
    settledSeen: ticks.map((tick) => ({ atMs: tick * SECOND + 500, tick })),
    carried: new Set(),
  };
}

function nightOf(agent: Partial<AgentNight>, killedAtMs: number[] = [], handovers: number[] = []): NightRecord {
  const kills = killedAtMs.map((atMs) => ({ atMs, victim: 0 }));
  return { worldId: 'wld', lastTick: LAST, kills, handovers, agents: new Map([['agt', { ...spotless(), ...agent }]]) };
}

/** The promises that were not kept. */
function broken(agent: Partial<AgentNight>, killedAtMs?: number[], handovers?: number[]): string[] {
  const { order, settled, ends, answers } = judge(nightOf(agent, killedAtMs, handovers));
  const lists: Partial<Record<keyof Judgement, string[]>> = { order, settled, ends, answers };
  return Object.entries(lists).flatMap(([name, list]) => (list.length > 0 ? [name] : []));
}

/** Tick 5 once more, right after tick 6, before the database was seen to hold it. */
const again = (): Partial<AgentNight> => {
  const { arrivals, ends, settledSeen } = spotless();
  return {
    arrivals: [...arrivals.slice(0, 6), arrival(5, { atMs: 6_200 }), ...arrivals.slice(6)],
    ends: [...ends.slice(0, 6), end(5, { atMs: 6_210 }), ...ends.slice(6)],
    settledSeen: settledSeen.filter(({ tick }) => tick !== 5),
  };
};

describe('the judgement of a night', () => {
  it('finds nothing in one without fault', () => {
    expect(broken({})).toEqual([]);
  });

  it('sees arrivals that were shuffled', () => {
    const { arrivals } = spotless();
    const shuffled = [
      ...arrivals.slice(0, 3),
      arrival(5, { atMs: 4_000 }),
      arrival(4, { atMs: 5_000 }),
      ...arrivals.slice(5),
    ];
    expect(broken({ arrivals: shuffled })).toContain('order');
  });

  it('sees a tick under two ids, and under one that is not its own', () => {
    const { arrivals } = spotless();
    expect(broken({ arrivals: [...arrivals, arrival(LAST, { attempt: 2, deliveryId: 'other' })] })).toContain('order');
    expect(broken({ arrivals: [...arrivals.slice(0, -1), arrival(LAST, { deliveryId: 'other' })] })).toEqual(['order']);
  });

  it('takes attempts of a tick for what they are', () => {
    const { arrivals } = spotless();
    const tried = [...arrivals.slice(0, -1), arrival(LAST), arrival(LAST, { attempt: 2, atMs: 10_005 })];
    expect(broken({ arrivals: tried })).toEqual([]);
  });

  it('lets the next dispatcher send and end again what a dead one had not stored, and nobody else', () => {
    expect(broken(again(), [6_100])).toEqual([]);
    expect(judge(nightOf(again(), [6_100])).tally).toMatchObject({ sentAgain: 1, endedAgain: 1 });
    expect(broken(again())).toEqual(['order', 'settled', 'ends']);
    expect(broken(again(), [4_000, 6_500])).toEqual(['order', 'settled', 'ends']);
  });

  it('lets the owner of a partition do again what the one before had not stored when it gave it up', () => {
    expect(broken(again(), [], [6_100])).toEqual([]);
    expect(judge(nightOf(again(), [], [6_100])).tally).toMatchObject({ endedAgain: 0, endedAgainAlive: 1 });
  });

  it('takes no death for an excuse that came long after the end', () => {
    const late = again();
    const arrivals = late.arrivals!.map((each) => (each.atMs === 6_200 ? arrival(5, { atMs: 12_200 }) : each));
    expect(broken({ ...late, arrivals }, [12_100])).toContain('settled');
  });

  it('knows what was overtaken on its way from what was sent too late', () => {
    const { arrivals } = spotless();
    const [fourth, fifth] = [arrivals[3]!, arrivals[4]!];
    const overtaken = [...arrivals.slice(0, 3), fifth, { ...fourth, atMs: 5_100 }, ...arrivals.slice(5)];
    expect(broken({ arrivals: overtaken })).toEqual([]);
    expect(judge(nightOf({ arrivals: overtaken })).tally.overtaken).toBe(1);
  });

  it('forgives no kill what the database was seen to hold', () => {
    expect(broken({ ...again(), settledSeen: spotless().settledSeen }, [6_100])).toEqual(['settled']);
  });

  it('sees a tick without an end, and one that is told behind a later one', () => {
    const { ends } = spotless();
    expect(broken({ ends: ends.filter(({ tick }) => tick !== 1) })).toEqual(['ends']);
    const twice = [...ends.slice(0, -1), ends.at(-2)!, ends.at(-1)!];
    expect(broken({ ends: twice })).toEqual([]);
    expect(judge(nightOf({ ends: twice })).tally.writtenAgain).toBe(1);
    const turned = [...ends.slice(0, -2), ends.at(-1)!, ends.at(-2)!];
    expect(broken({ ends: turned })).toEqual(['ends']);
  });

  it('sees an answer that has no result, two of them, or one that was made up', () => {
    const { results, answers } = spotless();
    expect(broken({ results: new Map([...results].filter(([tick]) => tick !== 4)) })).toEqual(['answers']);
    expect(broken({ results: new Map([...results, [4, ['res4', 'res4b']]]) })).toEqual(['answers']);
    expect(broken({ answers: new Map([...answers].filter(([tick]) => tick !== 4)) })).toEqual(['answers']);
  });

  it('sees a result that no callback has brought, unless it waits for one', () => {
    const { arrivals } = spotless();
    const without = arrivals.map((each) => (each.tick === 5 ? { ...each, results: [] } : each));
    expect(broken({ arrivals: without })).toEqual(['answers']);
    expect(broken({ arrivals: without, carried: new Set(['res4']) })).toEqual([]);
  });

  it('counts what the agent took, whatever the end says', () => {
    const { arrivals, ends } = spotless();
    const superseded = ends.map((each) => (each.tick === 5 ? { ...each, outcome: 'superseded', actions: 0 } : each));
    expect(broken({ ends: superseded })).toEqual([]);
    expect(judge(nightOf({ ends: superseded })).tally.takenUnsaid).toBe(1);
    const refused = arrivals.map((each) => (each.tick === 5 ? { ...each, taken: false } : each));
    expect(broken({ ends: superseded, arrivals: refused })).toEqual(['answers']);
  });

  it('sees a result that two callbacks brought', () => {
    const twice = spotless().arrivals.map((each) =>
      each.tick === 6 ? { ...each, results: [...each.results, { answeredTick: 4, resultId: 'res4' }] } : each,
    );
    expect(broken({ arrivals: twice })).toEqual(['answers']);
  });
});

describe('figures of a night', () => {
  it('count a move until the slowest shard has a tick that nobody had before', () => {
    const night = nightOf({}, [5_500]);
    const late: AgentNight = { ...spotless(), shard: 1, arrivals: [arrival(5), arrival(9, { atMs: 9_000 })] };
    const [move] = movesOf({ ...night, agents: new Map([...night.agents, ['late', late]]) });
    expect(move).toMatchObject({ shardsMs: 3_500, agentsP50Ms: 3_500 });
    const gone: AgentNight = { ...late, arrivals: [arrival(5)] };
    expect(movesOf({ ...night, agents: new Map([['gone', gone]]) })[0]!.shardsMs).toBe(Infinity);
  });

  it('call memory flat that has not grown, and neither what grows nor what was not seen', () => {
    const samples = (grownMb: number) =>
      Array.from({ length: 180 }, (_, n) => {
        const bytes = (100 + (n / 180) * grownMb) * 1024 * 1024;
        return { atMs: n * SECOND, rss: bytes, heapUsed: bytes };
      });
    expect(trendOf('app', samples(0), 60_000, 180_000, 60_000)).toMatchObject({ flat: true, heapSlope: 0 });
    const leaking = trendOf('app', samples(300), 60_000, 180_000, 60_000);
    expect(leaking.flat).toBe(false);
    expect(leaking.heapSlope).toBeCloseTo(100, 0);
    expect(trendOf('app', [], 60_000, 180_000, 60_000).flat).toBe(false);
  });
});
