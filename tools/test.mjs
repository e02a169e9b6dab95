// `npm test`: unit, conformance, integration and end-to-end tests, on the embedded default, and on real Kafka and Redis
// where they are present. What is skipped is said at the end; with TICKWIRE_REQUIRE_ALL=1 (CI) nothing may be.
import { spawn, spawnSync } from 'node:child_process';
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
if (!found('java', '-version') || !found('mvn', '--version')) skipped.push('everything on Kafka: Java 17 or newer and Maven are needed');
if (!found('redis-server', '--version')) skipped.push('everything on Redis: redis-server is needed');
if (skipped.length > 0 && process.env.TICKWIRE_REQUIRE_ALL === '1') {
  console.error(`TICKWIRE_REQUIRE_ALL is set, and these tests cannot run:\n${skipped.map((line) => `  ${line}`).join('\n')}`);
  process.exit(1);
}

try {
  await prepare();
} catch (error) {
  console.error(`\n${error.message}`);
  process.exit(1);
}

const broker = skipped.some((line) => line.includes('Kafka')) ? undefined : await startSharedBroker();
const child = spawn(pinnedNode(), ['node_modules/jest/bin/jest.js', ...args], {
  cwd: ROOT,
  stdio: 'inherit',
  env: {
    ...process.env,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --no-warnings`.trim(),
    PATH: `${path.dirname(pinnedNode())}${path.delimiter}${process.env.PATH}`,
    ...(broker ? { TICKWIRE_TEST_KAFKA: broker.brokers.join(',') } : {}),
  },
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', async (code) => {
  await broker?.stop();
  for (const line of skipped) console.log(`Skipped ${line}`);
  process.exit(code ?? 1);
});

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
