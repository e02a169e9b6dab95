import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.js';

export interface PipelineOptions {
  logs: ('kafka' | 'postgres')[];
  /** Signals per second. */
  rates: number[];
  /** Measured seconds of each subject at each rate, over all rounds. */
  seconds: number;
  /** Of load on a system that has just started, unmeasured: until compilers, caches and files are as they stay. */
  settleSeconds: number;
  warmUpSeconds: number;
  /** Bare and ours take turns this often. */
  rounds: number;
  accounts: number;
  connections: number;
  /** Only the bare loop: no app has to be built or started. */
  bareOnly: boolean;
  /** Whether the sustained maximum is looked for. */
  max: boolean;
  /** Kept afterwards where it is given. */
  dataDir?: string;
}

export const USAGE = `Usage: npm run bench -- pipeline [options]

Signals accepted (202) to executed (webhook.trade_executed on the log), open loop, beside a bare three-hop loop on the same
log in the same run. Starts its own systems and stops them. Prints a table and, as its last line, JSON.

Options:
  --log <kafka|postgres|both>  which event log (default both)
  --rates <list>               signals per second (default 500,1000)
  --seconds <n>                measured seconds per subject and rate (default 24)
  --settle <n>                 seconds of load once after the start, unmeasured: broker and apps get compiled (default 60)
  --warm-up <n>                seconds before each measured stretch (default 10)
  --rounds <n>                 how often bare and ours take turns at each rate (default 2)
  --accounts <n>               accounts that trade (default 64)
  --connections <n>            of the load generator (default 64)
  --bare-only                  measure only the bare loop
  --no-max                     do not look for the sustained maximum
  --data-dir <folder>          keep data and output there (default: a temporary folder, removed)
  -h, --help                   show this text`;

/** @returns undefined when help is asked for. @throws TypeError that names the option that is wrong */
export function readPipelineOptions(args: readonly string[]): PipelineOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    allowNegative: true,
    options: {
      log: { type: 'string', default: 'both' },
      rates: { type: 'string', default: '500,1000' },
      seconds: { type: 'string', default: '24' },
      settle: { type: 'string', default: '60' },
      'warm-up': { type: 'string', default: '10' },
      rounds: { type: 'string', default: '2' },
      accounts: { type: 'string', default: '64' },
      connections: { type: 'string', default: '64' },
      'bare-only': { type: 'boolean', default: false },
      max: { type: 'boolean', default: true },
      'data-dir': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (!['kafka', 'postgres', 'both'].includes(values.log))
    throw new TypeError(`--log is kafka, postgres or both, not ${values.log}`);
  return {
    // Kafka last: the last line speaks of it.
    logs: values.log === 'both' ? ['postgres', 'kafka'] : [values.log as 'kafka' | 'postgres'],
    rates: values.rates.split(',').map((rate) => wholeNumber('--rates', rate, 1, 100_000)),
    seconds: wholeNumber('--seconds', values.seconds, 1, 600),
    settleSeconds: wholeNumber('--settle', values.settle, 0, 600),
    warmUpSeconds: wholeNumber('--warm-up', values['warm-up'], 0, 60),
    rounds: wholeNumber('--rounds', values.rounds, 1, 20),
    accounts: wholeNumber('--accounts', values.accounts, 1, 10_000),
    connections: wholeNumber('--connections', values.connections, 1, 1_000),
    bareOnly: values['bare-only'],
    max: values.max,
    dataDir: values['data-dir'],
  };
}
