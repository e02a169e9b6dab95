import { parseArgs } from 'node:util';
import { wholeNumber } from '../whole-number.js';

export interface IngressOptions {
  logs: ('kafka' | 'postgres')[];
  /** Measured seconds of each subject at saturation, over all rounds; and of the open loop at half of it. */
  seconds: number;
  /** Before each measured stretch. */
  warmUpSeconds: number;
  /** Bare and ours take turns this often. */
  rounds: number;
  accounts: number;
  connections: number;
  /** Where a V8 CPU profile of ingress at saturation goes. */
  profile?: string;
  /** Kept afterwards where it is given. */
  dataDir?: string;
}

export const USAGE = `Usage: npm run bench -- ingress [options]

CPU of the ingress process for each accepted signal (verified, claimed, limited, validated, appended with acks=all), beside a
bare Nest + Fastify route that only verifies the HMAC, in turns in the same run. Also accepted signals a second at
saturation, and p50 and p99 in an open loop at half of that. Prints a table and, as its last line, JSON.

Options:
  --log <kafka|postgres|both>  Kafka and Redis, or the embedded log and claims in process (default both)
  --seconds <n>                measured seconds of each subject at saturation, and of the open loop (default 24)
  --warm-up <n>                seconds before each measured stretch (default 10)
  --rounds <n>                 how often bare and ours take turns (default 3)
  --accounts <n>               accounts that the signals are for (default 64)
  --connections <n>            of the load generator (default 64)
  --profile <file>             write a V8 CPU profile of ingress at saturation there, and print its shares by part
  --data-dir <folder>          keep data and output there (default: a temporary folder, removed)
  --no-build                   run what was built before
  -h, --help                   show this text`;

/** @returns undefined when help is asked for. @throws TypeError that names the option that is wrong */
export function readIngressOptions(args: readonly string[]): IngressOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      log: { type: 'string', default: 'both' },
      seconds: { type: 'string', default: '24' },
      'warm-up': { type: 'string', default: '10' },
      rounds: { type: 'string', default: '3' },
      accounts: { type: 'string', default: '64' },
      connections: { type: 'string', default: '64' },
      profile: { type: 'string' },
      'data-dir': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (!['kafka', 'postgres', 'both'].includes(values.log))
    throw new TypeError(`--log is kafka, postgres or both, not ${values.log}`);
  const rounds = wholeNumber('--rounds', values.rounds, 1, 20);
  return {
    // Kafka last: the last line speaks of it.
    logs: values.log === 'both' ? ['postgres', 'kafka'] : [values.log as 'kafka' | 'postgres'],
    // A second a round at least; at most what the generator has memory for, because it signs ahead.
    seconds: wholeNumber('--seconds', values.seconds, rounds, 60),
    warmUpSeconds: wholeNumber('--warm-up', values['warm-up'], 1, 30),
    rounds,
    accounts: wholeNumber('--accounts', values.accounts, 1, 10_000),
    connections: wholeNumber('--connections', values.connections, 1, 1_000),
    profile: values.profile,
    dataDir: values['data-dir'],
  };
}
