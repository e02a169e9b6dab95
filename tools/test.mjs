// `npm test`: unit, conformance, integration and end-to-end tests, on the embedded default, and on real Kafka and Redis
// where they are present. What is skipped is said at the end; with TICKWIRE_REQUIRE_ALL=1 (CI) nothing may be.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pinnedNode, prepare, ROOT } from './prepare.mjs';

const args = process.argv.slice(2);
if (args.includes('--help')) {
  console.log(`npm test [-- <jest arguments>]

Installs and builds what is missing, then runs every *.spec.ts of apps, libs and tools.
  npm test -- libs/event-log        one folder
  npm test -- -t "exactly once"     tests by name
Kafka (Java 17, Maven) and Redis (redis-server) are used where they are found; TICKWIRE_REQUIRE_ALL=1 insists on them.`);
  process.exit(0);
}

const found = (command, ...rest) => spawnSync(command, rest, { stdio: 'ignore' }).status === 0;
const skipped = [];
if (!found('java', '-version') || !found('mvn', '--version'))
  skipped.push('everything on Kafka: Java 17 or newer and Maven are needed');
if (!found('redis-server', '--version')) skipped.push('everything on Redis: redis-server is needed');
if (skipped.length > 0 && process.env.TICKWIRE_REQUIRE_ALL === '1') {
  console.error(
    `TICKWIRE_REQUIRE_ALL is set, and these tests cannot run:\n${skipped.map((line) => `  ${line}`).join('\n')}`,
  );
  process.exit(1);
}

try {
  await prepare();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

const broker = skipped.some((line) => line.includes('Kafka')) ? undefined : await startSharedBroker();
let running;
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => running?.kill(signal));

// Whole systems are started and killed after everything else, one at a time: beside other specs they would only measure the machine.
const everything = args.every((arg) => arg.startsWith('--') && !arg.startsWith('--testPath'));
const passes = everything
  ? [
      ['units', [...args, '--testPathIgnorePatterns', '/node_modules/', '/dist/', 'apps/e2e/']],
      ['systems', [...args, '--runInBand', '--testPathPatterns', 'apps/e2e/']],
    ]
  : [['chosen', args]];
const totals = { passed: 0, failed: 0, skipped: 0 };
let exitCode = 0;
mkdirSync(path.join(ROOT, '.cache'), { recursive: true });
for (const [name, jestArgs] of passes) {
  const report = path.join(ROOT, '.cache', `tests-${name}.json`);
  rmSync(report, { force: true });
  exitCode = (await jest([...jestArgs, '--json', '--outputFile', report, '--reporters', 'default'])) || exitCode;
  if (!existsSync(report)) continue;
  const result = JSON.parse(readFileSync(report, 'utf8'));
  totals.passed += result.numPassedTests;
  totals.failed += result.numFailedTests + result.numRuntimeErrorTestSuites;
  totals.skipped += result.numPendingTests;
}
await broker?.stop();
for (const line of skipped) console.log(`Skipped ${line}`);
console.log(`Tests: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
writeFileSync(path.join(ROOT, '.cache/tests.json'), JSON.stringify(totals));
process.exit(exitCode);

function jest(jestArgs) {
  running = spawn(pinnedNode(), ['node_modules/jest/bin/jest.js', ...jestArgs], {
    cwd: ROOT,
    stdio: ['inherit', 'ignore', 'inherit'],
    env: {
      ...process.env,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`.trim(),
      PATH: `${path.dirname(pinnedNode())}${path.delimiter}${process.env.PATH}`,
      ...(broker ? { TICKWIRE_TEST_KAFKA: broker.brokers.join(',') } : {}),
    },
  });
  return new Promise((resolve) => running.once('exit', (code) => resolve(code ?? 1)));
}

/** One broker for all specs that do not hurt it. */
async function startSharedBroker() {
  const { startBroker } = await import('./kafka/broker.mjs');
  const { mkdtempSync } = await import('node:fs');
  const { tmpdir } = await import('node:os');
  return startBroker({
    dataDir: mkdtempSync(path.join(tmpdir(), 'tickwire-test-kafka-')),
    onProgress: (line) => console.log(line),
  });
}
