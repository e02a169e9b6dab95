import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrate, startEmbeddedPostgres, type EmbeddedPostgres } from '@tickwire/persistence';
import {
  Deployment,
  environmentOf,
  localSecrets,
  seedDemo,
  startKafkaAndRedis,
  type DevFile,
} from '@tickwire/standalone';
import { freePorts } from './free-ports.js';

/** The deployment on real Kafka, Redis and Postgres: a process per app, each of which can be killed. */
export class KafkaSystem {
  private constructor(
    readonly dev: DevFile,
    readonly deployment: Deployment,
    readonly postgres: EmbeddedPostgres,
    readonly dataDir: string,
    private readonly stops: (() => Promise<void>)[],
  ) {}

  /** @param options `env`: of every process, besides what it needs */
  static async start(options: { tickMs?: number; env?: Record<string, string> } = {}): Promise<KafkaSystem> {
    const dataDir = mkdtempSync(path.join(tmpdir(), 'tickwire-kafka-e2e-'));
    const stops: (() => Promise<void>)[] = [async () => rmSync(dataDir, { recursive: true, force: true })];
    try {
      const postgres = await startEmbeddedPostgres({ dataDir: path.join(dataDir, 'postgres') });
      stops.push(() => postgres.stop());
      await migrate(postgres.connectionString);
      const infrastructure = await startKafkaAndRedis(dataDir, () => undefined);
      stops.push(() => infrastructure.stop());
      const base = await freePorts(24);
      const ports = { ingress: base, api: base + 1, management: base + 2, demo: base + 3 };
      const secrets = localSecrets(dataDir);
      const env = {
        ...environmentOf({
          databaseUrl: postgres.connectionString,
          secrets,
          ports,
          logLevel: 'info',
          kafka: infrastructure,
        }),
        NODE_OPTIONS: '',
        ...options.env,
      };
      const deployment = new Deployment({ env, logDir: path.join(dataDir, 'logs'), managementBase: base + 10 });
      stops.push(() => deployment.stop());
      await deployment.start();
      const dev = await seedDemo({
        dataDir,
        ingressUrl: `http://127.0.0.1:${ports.ingress}`,
        apiUrl: `http://127.0.0.1:${ports.api}`,
        adminToken: secrets.ADMIN_TOKEN,
        tickMs: options.tickMs ?? 500,
        receiverUrl: `http://127.0.0.1:${ports.demo}`,
        kafkaBrokers: infrastructure.brokers,
      });
      return new KafkaSystem(dev, deployment, postgres, dataDir, stops);
    } catch (error) {
      for (const stop of stops.reverse()) await stop().catch(() => undefined);
      throw error;
    }
  }

  async remove(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop().catch(() => undefined);
  }
}
