import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.js';

/** What can be measured apart from the rest, in the order in which it is. */
export const PARTS = ['cpu', 'latency', 'hanging', 'isolation', 'ten-thousand'] as const;
export type Part = (typeof PARTS)[number];

export interface TicksOptions {
  logs: ('kafka' | 'postgres')[];
  parts: Part[];
  /** Sizes of the worlds of `cpu`. */
  agents: number[];
  /** Sizes of the worlds of `latency`. */
  latencyAgents: number[];
  hangingAgents: number;
  isolationAgents: number;
  manyAgents: number;
  /** Of each subject in each round of `cpu`. */
  callbacks: number;
  /** How often subjects take turns. */
  rounds: number;
  /** Of each stretch with ticks by the clock. */
  seconds: number;
  tickMs: number;
  /** Origins that the agents' callbacks are spread over. */
  origins: number;
  /** To each origin, of ours and of the peers. */
  connections: number;
  answers: 'none' | 'buy';
  /** Folder for a V8 CPU profile of the dispatcher. */
  profile?: string;
  /** Kept afterwards where it is given. */
  dataDir?: string;
}

export const USAGE = `Usage: npm run bench -- ticks [options]

CPU of the tick dispatcher's process for each callback, from the market.tick record to the settled row, beside a bare undici
loop and a got loop that sign and send the same bodies to the same receivers, in turns in the same run. Then latencies from
the close of a tick by the clock. Prints tables and, as its last line, JSON about the world of 1,000 agents.

Parts:
  cpu           ours, undici and got as fast as they go, each on a processor of its own where there are two and taskset
  latency       p50 and p99 from close to sent and to received; the last callback of a tick
  hanging       the same with a fifth of the receivers accepting and never answering
  isolation     a fifth of the agents hanging, and the others alone, in turns: p99 of the others
  ten-thousand  the share of callbacks that arrive inside their tick, and what the processes spend

Options:
  --log <kafka|postgres|both>  (default postgres: the embedded log)
  --parts <list>               some of the above, comma-separated (default all)
  --agents <list>              worlds of cpu (default 100,1000,10000)
  --latency-agents <list>      worlds of latency (default 100,500,1000)
  --hanging-agents <n>         world of hanging (default 1000)
  --isolation-agents <n>       world of isolation, a multiple of 5 (default 200)
  --many-agents <n>            world of ten-thousand (default 10000)
  --callbacks <n>              of each subject in a round of cpu; got sends a quarter of them (default 20000)
  --rounds <n>                 how often subjects take turns, in cpu and isolation (default 3)
  --seconds <n>                of each stretch with ticks by the clock (default 20)
  --tick-ms <n>                from tick to tick there (default 1000)
  --origins <n>                host and port pairs that the callbacks are spread over (default 4)
  --connections <n>            to each origin, of ours and of the peers (default 128)
  --answers <none|buy>         what agents answer: no action, or one order each (default none)
  --profile <folder>           write a V8 CPU profile of the dispatcher there, of one more stretch of cpu, and print its shares
  --data-dir <folder>          keep data and output there (default: a temporary folder, removed)
  --no-build                   run what was built before
  -h, --help                   show this text`;

/** @returns undefined when help is asked for. @throws TypeError that names the option that is wrong */
export function readTicksOptions(args: readonly string[]): TicksOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      log: { type: 'string', default: 'postgres' },
      parts: { type: 'string', default: PARTS.join() },
      agents: { type: 'string', default: '100,1000,10000' },
      'latency-agents': { type: 'string', default: '100,500,1000' },
      'hanging-agents': { type: 'string', default: '1000' },
      'isolation-agents': { type: 'string', default: '200' },
      'many-agents': { type: 'string', default: '10000' },
      callbacks: { type: 'string', default: '20000' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '20' },
      'tick-ms': { type: 'string', default: '1000' },
      origins: { type: 'string', default: '4' },
      connections: { type: 'string', default: '128' },
      answers: { type: 'string', default: 'none' },
      profile: { type: 'string' },
      'data-dir': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const { log, answers } = values;
  if (log !== 'kafka' && log !== 'postgres' && log !== 'both')
    throw new TypeError(`--log is kafka, postgres or both, not ${log}`);
  if (answers !== 'none' && answers !== 'buy') throw new TypeError(`--answers is none or buy, not ${answers}`);
  const isolationAgents = wholeNumber('--isolation-agents', values['isolation-agents'], 5, 100_000);
  if (isolationAgents % 5 !== 0) throw new TypeError(`--isolation-agents: a multiple of 5 is wanted`);
  return {
    logs: log === 'both' ? ['kafka', 'postgres'] : [log],
    parts: partsOf(values.parts),
    agents: numbers('--agents', values.agents),
    latencyAgents: numbers('--latency-agents', values['latency-agents']),
    hangingAgents: wholeNumber('--hanging-agents', values['hanging-agents'], 5, 100_000),
    isolationAgents,
    manyAgents: wholeNumber('--many-agents', values['many-agents'], 1, 100_000),
    callbacks: wholeNumber('--callbacks', values.callbacks, 1, 1_000_000),
    rounds: wholeNumber('--rounds', values.rounds, 1, 20),
    seconds: wholeNumber('--seconds', values.seconds, 1, 600),
    tickMs: wholeNumber('--tick-ms', values['tick-ms'], 50, 60_000),
    origins: wholeNumber('--origins', values.origins, 1, 100),
    connections: wholeNumber('--connections', values.connections, 1, 1_000),
    answers,
    profile: values.profile,
    dataDir: values['data-dir'],
  };
}

function partsOf(text: string): Part[] {
  const wanted = text.split(',');
  const unknown = wanted.find((part) => !PARTS.includes(part as Part));
  if (unknown !== undefined) throw new TypeError(`--parts: some of ${PARTS.join(', ')} are wanted, not ${unknown}`);
  return PARTS.filter((part) => wanted.includes(part));
}

function numbers(name: string, text: string): number[] {
  return text.split(',').map((each) => wholeNumber(name, each, 1, 100_000));
}
