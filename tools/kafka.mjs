/** `npm run kafka`: a single-node Kafka for development, in the foreground. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { PortBusy, ToolMissing, startBroker } from './kafka/broker.mjs';

const DEFAULT_PORT = 9092;
const USAGE = `Usage: npm run kafka -- [--port ${DEFAULT_PORT}] [--data .tickwire/kafka]

Runs a single-node Kafka on 127.0.0.1 in the foreground; Ctrl-C stops it. Needs Java 17 or newer, and Maven the
first time, when the jars are fetched. Its data stays in --data; delete that folder to begin afresh.
Point the apps at it with KAFKA_BROKERS=127.0.0.1:${DEFAULT_PORT}.`;

function readArguments() {
  const root = join(dirname(fileURLToPath(import.meta.url)), '..');
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: String(DEFAULT_PORT) },
      data: { type: 'string', default: join(root, '.tickwire', 'kafka') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new TypeError(`--port is not a port: ${values.port}`);
  return { port, dataDir: values.data, help: values.help };
}

async function main() {
  const { port, dataDir, help } = readArguments();
  if (help) return console.log(USAGE);
  mkdirSync(dataDir, { recursive: true });
  const broker = await startBroker({
    port,
    dataDir,
    isLongLived: true,
    onProgress: (line) => console.log(`kafka: ${line}`),
  });
  console.log(`kafka: ready on ${broker.brokers[0]} (data in ${dataDir}); Ctrl-C stops it`);
  let stopping = false;
  const stop = () => {
    if (!stopping) console.log('kafka: stopping');
    stopping = true;
    void broker.stop();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  await broker.exited;
  if (!stopping) {
    console.error(`kafka: the broker ended by itself; see ${join(dataDir, 'broker.log')}`);
    process.exitCode = 1;
  }
}

main().catch((error) => {
  const usage = error instanceof TypeError;
  const known = usage || error instanceof ToolMissing || error instanceof PortBusy;
  console.error(`kafka: ${known ? error.message : error.stack}`);
  if (usage) console.error(USAGE);
  if (error instanceof PortBusy) console.error('kafka: choose another with --port');
  process.exitCode = usage ? 2 : 1;
});
