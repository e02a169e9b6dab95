import { writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  migrate,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from '@tickwire/persistence';
import { onStopSignals } from '@tickwire/runtime';
import { startDemoReceivers } from './demo/demo-receivers.js';
import { guide } from './demo/guide.js';
import { seedDemo } from './demo/seed-demo.js';
import { Show } from './demo/show.js';
import { claimDataFolder } from './local/data-folder.js';
import { writeDevFile, type DevFile } from './local/dev-file.js';
import { localSecrets } from './local/local-secrets.js';
import { localPorts, type LocalPorts } from './local/ports.js';
import type { LocalOptions } from './options.js';
import { environmentOf, type Environment, type LocalSystem } from './system/environment.js';

export interface Started {
  kafkaBrokers?: string[];
  stop(): Promise<void>;
}

/** What stands around the database: all apps in one process, or one process each on Kafka. */
export type StartSystem = (
  environment: (kafka?: LocalSystem['kafka']) => Environment,
  around: { dataDir: string; ports: LocalPorts; say(line: string): void },
) => Promise<Started>;

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/**
 * Runs a local system until it is told to stop: folder, ports, database, apps, demo, and the way back in reverse.
 * @param database how the embedded Postgres is to be beyond what every start of it has
 */
export async function runLocal(
  options: LocalOptions,
  startSystem: StartSystem,
  database: Pick<EmbeddedPostgresOptions, 'logAheadMb'> = {},
): Promise<void> {
  const stops: (() => Promise<void> | void)[] = [];
  let stopping = false;
  const stop = async (): Promise<void> => {
    stopping = true;
    say('\nStopping…');
    for (const each of stops.splice(0).reverse()) await each();
    say('Stopped.');
  };
  // From the first moment on: a Ctrl-C in the middle of the start must not leave a database behind.
  onStopSignals(stop, { timeoutMs: 30_000 });
  try {
    stops.push(claimDataFolder(options.dataDir));
    const ports = await localPorts(options.port);
    const postgres = await startDatabase({ ...database, dataDir: path.join(options.dataDir, 'postgres') }, stops);
    const { applied } = await migrate(postgres.connectionString);
    if (applied.length > 0) say(`Database prepared (${applied.length} migrations).`);
    writeFileSync(path.join(options.dataDir, 'postgres.url'), postgres.connectionString, { mode: 0o600 });
    const secrets = localSecrets(options.dataDir);
    const environment = (kafka?: LocalSystem['kafka']): Environment =>
      environmentOf({
        databaseUrl: postgres.socketConnectionString,
        secrets,
        ports,
        logLevel: options.logLevel,
        kafka,
      });
    if (stopping) return;

    const show = new Show(say);
    const demo: { dev?: DevFile } = {};
    if (options.demo) {
      const receivers = await startDemoReceivers(ports.demo, () => demo.dev, show);
      stops.push(() => new Promise<void>((resolve) => receivers.close(() => resolve()).closeAllConnections()));
    }
    say('Starting the apps…');
    const system = await startSystem(environment, { dataDir: options.dataDir, ports, say });
    stops.push(() => system.stop());
    if (stopping) return;

    const ingressUrl = `http://127.0.0.1:${ports.ingress}`;
    const apiUrl = `http://127.0.0.1:${ports.api}`;
    const base = { ingressUrl, apiUrl, adminToken: secrets.ADMIN_TOKEN, kafkaBrokers: system.kafkaBrokers };
    if (!options.demo) {
      const file = writeDevFile(options.dataDir, { ...base, agents: [] });
      say(
        `\nTickwire is running, empty.\n  Signals in  ${ingressUrl}\n  API         ${apiUrl}\n  All of it   ${file}\nCtrl-C stops everything.\n`,
      );
      return;
    }
    say('Setting up the demo…');
    const { endpointSecret: _shownOnce, ...seeded } = await seedDemo({
      ...base,
      dataDir: options.dataDir,
      tickMs: options.tickMs,
      receiverUrl: `http://127.0.0.1:${ports.demo}`,
    });
    demo.dev = seeded;
    const file = writeDevFile(options.dataDir, seeded);
    await show.firstSignal(seeded);
    say(guide(seeded, file));
    const timer = setInterval(() => say(show.summary()), 60_000);
    stops.push(() => clearInterval(timer));
  } catch (error) {
    if (stopping) return;
    process.stderr.write(`\n${(error as Error).message}\n`);
    if (options.logLevel === 'debug') process.stderr.write(`${(error as Error).stack}\n`);
    await stop().catch(() => undefined);
    process.exit(1);
  }
}

async function startDatabase(
  options: EmbeddedPostgresOptions,
  stops: (() => Promise<void> | void)[],
): Promise<EmbeddedPostgres> {
  say('Starting Postgres…');
  const postgres = await startEmbeddedPostgres({
    ...options,
    onProgress: (line) => say(`  ${line}`),
    onUnexpectedExit: () => {
      process.stderr.write('Postgres ended unexpectedly; stopping. Start again: what was acknowledged is kept.\n');
      process.exit(1);
    },
  });
  stops.push(() => postgres.stop());
  return postgres;
}
