import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
// The launcher of `npm run kafka`: plain JavaScript outside the projects, so that it runs before anything is built.
// eslint-disable-next-line @nx/enforce-module-boundaries
import { startBroker } from '../../../../tools/kafka/broker.mjs';

export interface Infrastructure {
  brokers: string[];
  redisUrl: string;
  stop(): Promise<void>;
}

/** Those named by KAFKA_BROKERS and REDIS_URL, or one of each of our own in the data folder. */
export async function startKafkaAndRedis(dataDir: string, say: (line: string) => void): Promise<Infrastructure> {
  const { KAFKA_BROKERS, REDIS_URL } = process.env;
  const stops: (() => Promise<void>)[] = [];
  let brokers = KAFKA_BROKERS?.split(',');
  if (!brokers) {
    say('Starting Kafka…');
    const broker = await startBroker({
      dataDir: path.join(dataDir, 'kafka'),
      port: await freePort(),
      isLongLived: true,
      onProgress: (line) => say(`  ${line}`),
    });
    brokers = broker.brokers;
    stops.push(() => broker.stop());
  }
  let redisUrl = REDIS_URL;
  if (!redisUrl) {
    say('Starting Redis…');
    const redis = await startRedisServer(path.join(dataDir, 'redis'));
    redisUrl = redis.url;
    stops.push(redis.stop);
  }
  return {
    brokers,
    redisUrl,
    stop: async () => {
      for (const each of stops.reverse()) await each();
    },
  };
}

async function startRedisServer(dir: string): Promise<{ url: string; stop(): Promise<void> }> {
  mkdirSync(dir, { recursive: true });
  const port = await freePort();
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--appendonly', 'yes', '--save', ''],
    {
      stdio: 'ignore',
    },
  );
  const failed = new Promise<never>((_, reject) =>
    child.once('error', () =>
      reject(new Error('redis-server is not installed: apt-get install redis-server, or brew install redis')),
    ),
  );
  await Promise.race([failed, answers(port)]);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    url: `redis://127.0.0.1:${port}`,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function answers(port: number): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect({ host: '127.0.0.1', port });
      socket.once('connect', () => (socket.destroy(), resolve(true)));
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await sleep(50);
  }
  throw new Error(`Redis does not answer on port ${port}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
