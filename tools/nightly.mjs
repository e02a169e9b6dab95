// `npm run nightly`: the tests that take too long for every change: faults on Kafka, Redis and Postgres, and made-up requests.
import { spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pinnedNode, prepare, ROOT } from './prepare.mjs';

const USAGE = `Usage: npm run nightly [-- kills | steps | agents | fuzz] [-- <jest arguments>]

Installs and builds what is missing, starts the deployment (a process per app on Kafka, Redis and Postgres) and hurts it
while signals come in. Afterwards every signal has to have exactly one final event, and every tick has to be provable.
  kills   SIGKILL of random processes at random instants
  steps   a kill between any two steps of every transaction path
  agents  ticks to thousands of agents with faults of every kind, while one of two dispatchers is killed each minute
  fuzz    made-up requests to ingress, each answer held to its OpenAPI document; nothing is killed

Environment:
  NIGHTLY_SEED    decides victims, instants and requests; drawn and printed when absent
  NIGHTLY_KILLS   how many kills (200)
  NIGHTLY_STEPS   only the first so many of the steps
  NIGHTLY_SECONDS   for how long the agents are called (600)
  NIGHTLY_AGENTS    how many of them there are (2000)
  NIGHTLY_TICK_MS   wall time between two ticks, ms; what a slow machine cannot send is superseded (1000)
  NIGHTLY_FUZZ_SECONDS   for how long requests are made up (180)

kills, steps and agents need Java 17 or newer, Maven and redis-server; fuzz needs Python 3.10 or newer, and the first time a
package index. Linux and macOS only.`;

/** By suite, what has to be there; how to ask for it without doing anything. */
const DEPLOYMENT = [
  ['java', '-version'],
  ['mvn', '--version'],
  ['redis-server', '--version'],
];
const NEEDS = { kills: DEPLOYMENT, steps: DEPLOYMENT, agents: DEPLOYMENT, fuzz: [['python3', '--version']] };
const SUITES = Object.keys(NEEDS);

/** Ends with the exit code for a wrong call. */
function refuse(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function readArguments() {
  const all = process.argv.slice(2);
  const end = all.indexOf('--');
  const own = end < 0 ? all : all.slice(0, end);
  try {
    const { values, positionals } = parseArgs({
      args: own,
      options: { help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    });
    const unknown = positionals.find((name) => !SUITES.includes(name));
    if (unknown !== undefined) refuse(`There is no "${unknown}".`);
    return { help: values.help, suites: positionals, jest: end < 0 ? [] : all.slice(end + 1) };
  } catch (error) {
    return refuse(error.message);
  }
}

/** @returns the variable's value, a whole number. */
function wholeNumber(name, fallback, least) {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least) refuse(`${name} has to be a whole number from ${least} on.`);
  return Number(text);
}

const { help, suites, jest } = readArguments();
if (help) {
  console.log(USAGE);
  process.exit(0);
}
const seed = wholeNumber('NIGHTLY_SEED', randomInt(1, 2 ** 30), 0);
wholeNumber('NIGHTLY_KILLS', 200, 1);
wholeNumber('NIGHTLY_STEPS', 0, 0);
wholeNumber('NIGHTLY_SECONDS', 600, 90);
wholeNumber('NIGHTLY_AGENTS', 2_000, 1);
wholeNumber('NIGHTLY_TICK_MS', 1_000, 100);
wholeNumber('NIGHTLY_FUZZ_SECONDS', 180, 1);
const needs = new Map((suites.length > 0 ? suites : SUITES).flatMap((suite) => NEEDS[suite]));
const missing = [...needs].filter(([command, flag]) => spawnSync(command, [flag], { stdio: 'ignore' }).status !== 0);
if (missing.length > 0) {
  console.error(`Not found: ${missing.map(([command]) => command).join(', ')}. See npm run nightly -- --help.`);
  process.exit(1);
}

try {
  await prepare();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

console.log(`NIGHTLY_SEED=${seed}`);
const child = spawn(
  pinnedNode(),
  [
    'node_modules/jest/bin/jest.js',
    '--testMatch',
    '**/apps/e2e/nightly/**/*.nightly.ts',
    // One system at a time: two would fight for the machine, and their kills prove less.
    '--runInBand',
    '--forceExit',
    ...(suites.length > 0 ? ['--testPathPatterns', `nightly/(.*/)?(${suites.join('|')})\\.nightly`] : []),
    ...jest,
  ],
  {
    cwd: ROOT,
    stdio: 'inherit',
    env: {
      ...process.env,
      NIGHTLY_SEED: String(seed),
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`.trim(),
      PATH: `${path.dirname(pinnedNode())}${path.delimiter}${process.env.PATH}`,
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => {
  if (code !== 0) console.error(`To repeat this night: NIGHTLY_SEED=${seed} npm run nightly`);
  process.exit(code ?? 1);
});
