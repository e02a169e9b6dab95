import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate, startEmbeddedPostgres } from '@tickwire/persistence';
import { environmentOf, localSecrets, startKafkaAndRedis } from '@tickwire/standalone';
import { request } from 'undici';
import { freePorts } from '../../../exactly-once/free-ports.js';
import { signSignals, type Senders } from '../../load/signed-signals.js';
import { provisionUnexecuted } from '../../system/bench-tenant.js';
import { SIGNALS_PATH } from '../../load/request-bytes.js';
import type { BareDoorEnvironment } from './bare-door.js';
import { startHeartbeats } from './heartbeats.js';
import { MeasuredProcess } from './measured-process.js';

/** A process that takes signals in. */
export interface Door {
  url: string;
  process: MeasuredProcess;
}

/** Ingress as deployed, with what it needs and nothing behind it; and the peer beside it. */
export interface DoorSystem {
  ingress: Door;
  bare: Door;
  senders: Senders;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const INGRESS = fileURLToPath(new URL('../../../../../ingress/dist/main.js', import.meta.url));
const API = fileURLToPath(new URL('../../../../../api/dist/main.js', import.meta.url));
const BARE = fileURLToPath(new URL('bare-door.js', import.meta.url));

/**
 * Starts Postgres, on Kafka also a broker and Redis, a tenant made by an api that leaves again, ingress and the peer.
 * @param dataDir keeps data and the output of each process
 */
export async function startDoorSystem(
  log: 'kafka' | 'postgres',
  dataDir: string,
  accounts: number,
  say: (line: string) => void,
): Promise<DoorSystem> {
  await mkdir(dataDir, { recursive: true });
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).reverse()) await each();
  };
  try {
    const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres') });
    stops.push(() => postgres.stop());
    const postgresUrl = postgres.connectionString;
    await migrate(postgresUrl);
    const kafka = log === 'kafka' ? await startKafkaAndRedis(dataDir, say) : undefined;
    if (kafka) stops.push(() => kafka.stop());

    const first = await freePorts(5);
    const ports = { ingress: first, api: first + 1, management: first + 2, demo: first + 3 };
    const barePort = first + 4;
    const secrets = localSecrets(dataDir);
    const env = {
      ...environmentOf({ databaseUrl: postgresUrl, secrets, ports, logLevel: 'warn', kafka }),
      MANAGEMENT_PORT: String(ports.management),
    };
    const start = async (name: string, entry: string, ofProcess: Record<string, string>, port: number) => {
      const readyUrl = `http://${HOST}:${port}/readyz`;
      const logFile = join(dataDir, `${name}.log`);
      const process = await MeasuredProcess.start({ name, entry, env: ofProcess, readyUrl, logFile });
      stops.push(() => process.stop());
      return process;
    };

    say(`making a tenant with ${accounts} accounts`);
    const api = await start('api', API, env, ports.management);
    const apiUrl = `http://${HOST}:${ports.api}`;
    const senders = await provisionUnexecuted({ apiUrl, adminToken: secrets.ADMIN_TOKEN }, accounts);
    await api.stop();
    stops.push(await startHeartbeats({ postgresUrl, kafkaBrokers: kafka?.brokers }));

    const ingressUrl = `http://${HOST}:${ports.ingress}`;
    const ingress = { url: ingressUrl, process: await start('ingress', INGRESS, env, ports.management) };
    const bareEnv: BareDoorEnvironment = {
      PORT: String(barePort),
      SIGNING_SECRET: senders.signingSecret,
      ANSWER: await firstAnswer(ingressUrl, senders),
    };
    const bare = { url: `http://${HOST}:${barePort}`, process: await start('bare', BARE, bareEnv, barePort) };
    return { ingress, bare, senders, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A signal by hand. @throws Error that quotes the answer where it is no acceptance */
async function firstAnswer(url: string, senders: Senders): Promise<string> {
  const [signal] = signSignals(senders, `first-${Date.now()}`, 1, Date.now());
  const answer = await request(`${url}${SIGNALS_PATH}`, { method: 'POST', ...signal! });
  const text = await answer.body.text();
  if (answer.statusCode !== 202) throw new Error(`The first signal was answered ${answer.statusCode}: ${text}`);
  return text;
}
