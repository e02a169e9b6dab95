import type { Judgement } from './judgement.js';
import type { MemoryTrend } from './memory-watch.js';
import type { Move } from './moves.js';
import type { NightRecord } from './night-record.js';

export interface NightFigures {
  night: NightRecord;
  judgement: Judgement;
  trends: readonly MemoryTrend[];
  moves: readonly Move[];
  seconds: number;
  seed: number;
}

const MOVE_AIM_MS = 10_000;

/** The night in figures, a line each. */
export function tableOf({ night, judgement, trends, moves, seconds, seed }: NightFigures): string {
  const { tally, order, settled, answers, ends } = judgement;
  const all = Object.values(tally.ends).reduce((sum, count) => sum + count, 0);
  const slowest = Math.max(...moves.map(({ shardsMs }) => shardsMs));
  const rows: [string, string][] = [
    ['seed', String(seed)],
    ['agents, ticks, seconds', `${night.agents.size}, ${night.lastTick}, ${Math.round(seconds)}`],
    ['callbacks', `${tally.arrivals}, ${Math.round(tally.arrivals / seconds)} a second`],
    ...Object.entries(tally.ends).map(([outcome, count]): [string, string] => [
      `ticks ${outcome}`,
      `${count} (${((100 * count) / all).toFixed(1)} %)`,
    ]),
    [
      'answers, results',
      `${tally.answers}, ${tally.results} (${tally.waiting} wait in the inbox, ${tally.takenUnsaid} were taken and not recorded so)`,
    ],
    [
      'sent, ended, answered, brought again',
      `${tally.sentAgain}, ${tally.endedAgain} after a death and ${tally.endedAgainAlive} after a handover and ${tally.writtenAgain} as it was, ${tally.answeredAgain}, ${tally.broughtAgain}`,
    ],
    ['overtaken on the way', String(tally.overtaken)],
    ...moves.map(({ victim, shardsMs, agentsP50Ms, agentsP99Ms, agentsMaxMs }, n): [string, string] => [
      `kill ${n + 1}, of dispatcher ${victim}`,
      `shards moved after ${s(shardsMs)}; agents p50 ${s(agentsP50Ms)}, p99 ${s(agentsP99Ms)}, last ${s(agentsMaxMs)}`,
    ]),
    ['moved after', `${s(slowest)}: ${slowest <= MOVE_AIM_MS ? 'within' : 'beyond'} the aim of ${s(MOVE_AIM_MS)}`],
    ...trends.map(({ name, earlyMb, lateMb, heapSlope, flat }): [string, string] => [
      `memory of ${name}`,
      `${Math.round(earlyMb)} -> ${Math.round(lateMb)} MB, heap ${heapSlope.toFixed(1)} MB/min${flat ? '' : ', NOT FLAT'}`,
    ]),
    ['broken: order, settled, ends, answers', `${order.length}, ${settled.length}, ${ends.length}, ${answers.length}`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function s(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
