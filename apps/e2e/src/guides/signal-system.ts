import { randomBytes } from 'node:crypto';
import { ApiConfig, startApi } from '@tickwire/api';
import {
  decodeEvent,
  webhookReceived,
  type AppName,
  type EventEnvelope,
  type WebhookReceived,
} from '@tickwire/contracts';
import { IngressConfig, startIngress } from '@tickwire/ingress';
import { createLogger, ManagementServer, openHost, type AppHost, type HostConfig } from '@tickwire/runtime';
import { freePorts } from '../exactly-once/free-ports.js';
import { ApiCalls } from '../worlds/api-calls.js';

/** Requests that no guide and no fuzzer should run into. */
const PLENTY = { tenantPerMinute: 1_000_000, botPerMinute: 1_000_000, accountPerMinute: 1_000_000, burst: 100_000 };

/** What a tenant is given to send signals with. */
export interface GivenToSender {
  ingressUrl: string;
  apiUrl: string;
  tenantId: string;
  accountId: string;
  botId: string;
  symbol: string;
  /** `signals:write`, `read` and `manage`. */
  apiKey: string;
  signingSecret: string;
}

/** Ingress and api beside each other on one database and log, with a tenant: all that a sender talks to. */
export class SignalSystem {
  private constructor(
    private readonly host: AppHost,
    private readonly stops: (() => Promise<void>)[],
    readonly given: GivenToSender,
  ) {}

  /** @param databaseUrl of a migrated database that nobody else uses */
  static async start(databaseUrl: string): Promise<SignalSystem> {
    const first = await freePorts(2);
    const [ingressUrl, apiUrl] = [`http://127.0.0.1:${first}`, `http://127.0.0.1:${first + 1}`];
    const shared = {
      DATABASE_URL: databaseUrl,
      EVENT_LOG: 'postgres',
      API_KEY_PEPPER: randomBytes(16).toString('hex'),
      STATUS_TOKEN_KEY: randomBytes(32).toString('hex'),
      SECRETS_KEYS: `guides:${randomBytes(32).toString('base64')}`,
    };
    const adminToken = `tw_admin_${randomBytes(16).toString('hex')}`;
    const stops: (() => Promise<void>)[] = [];
    try {
      const api = Object.assign(new ApiConfig(), shared, {
        API_PORT: first + 1,
        API_HOST: '127.0.0.1',
        INGRESS_PUBLIC_URL: ingressUrl,
        ADMIN_TOKEN: adminToken,
      });
      const apiHost = await openQuietHost('api', api, stops);
      stops.push((await startApi(api, apiHost)).stop);
      const ingress = Object.assign(new IngressConfig(), shared, {
        PORT: first,
        HOST: '127.0.0.1',
        API_PUBLIC_URL: apiUrl,
        CLAIM_STORE: 'memory',
      });
      const host = await openQuietHost('ingress', ingress, stops);
      stops.push((await startIngress(ingress, host)).stop);
      return new SignalSystem(host, stops, { ingressUrl, apiUrl, ...(await provision(apiUrl, adminToken)) });
    } catch (error) {
      await stopAll(stops);
      throw error;
    }
  }

  /** The signals on the log. */
  async received(): Promise<EventEnvelope<WebhookReceived>[]> {
    const bounds = await this.host.log.bounds([webhookReceived.topic]);
    const filled = bounds.filter(({ start, end }) => end > start);
    const records = await Promise.all(
      filled.map((bound) => this.host.log.read({ ...bound, offset: bound.start }, bound.end - bound.start)),
    );
    return records.flat().map((record) => decodeEvent(record.topic, record.value) as EventEnvelope<WebhookReceived>);
  }

  stop(): Promise<void> {
    return stopAll(this.stops);
  }
}

/** Its closing is added to `stops`, so that it comes after what is started on it has stopped. */
async function openQuietHost(app: AppName, config: HostConfig, stops: (() => Promise<void>)[]): Promise<AppHost> {
  const logger = createLogger({ app, level: 'silent' });
  const host = await openHost(app, config, { logger, management: new ManagementServer({ port: 0 }) });
  stops.push(() => host.close());
  return host;
}

/** By the api alone, as an operator and then the tenant would. */
async function provision(apiUrl: string, adminToken: string): Promise<Omit<GivenToSender, 'ingressUrl' | 'apiUrl'>> {
  const admin = new ApiCalls(apiUrl, adminToken);
  const { id: tenantId } = await admin.post<{ id: string }>('admin/tenants', {
    name: 'Reader',
    settings: { limits: PLENTY },
  });
  const { key } = await admin.post<{ key: string }>(`admin/tenants/${tenantId}/api-keys`, { name: 'reader' });
  const world = { name: 'Exchange', seed: 'guides', companies: 1, tickMs: 1_000 };
  const { id: worldId } = await admin.post<{ id: string }>('admin/worlds', world);
  const api = new ApiCalls(apiUrl, key);
  const account = { externalId: 'MT-1001', initialBalance: '100000', currency: 'USD', quoteSource: worldId };
  const { id: accountId } = await api.post<{ id: string }>('accounts', account);
  const { id: botId } = await api.post<{ id: string }>('bots', { name: 'Reader bot' });
  const { secret: signingSecret } = await api.post<{ secret: string }>('signing-secrets', {});
  return { tenantId, accountId, botId, symbol: 'NVLT', apiKey: key, signingSecret };
}

async function stopAll(stops: (() => Promise<void>)[]): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop();
}
