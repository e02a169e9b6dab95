import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { DevFile } from '../local/dev-file.js';
import { ApiClient } from './api-client.js';

export interface DemoPlan {
  dataDir: string;
  ingressUrl: string;
  apiUrl: string;
  adminToken: string;
  tickMs: number;
  /** Where the demo's receivers listen. */
  receiverUrl: string;
  kafkaBrokers?: string[];
}

/** Requests that nobody's demo or bench should run into. */
const PLENTY = { tenantPerMinute: 1_000_000, botPerMinute: 1_000_000, accountPerMinute: 1_000_000, burst: 100_000 };

interface Created {
  id?: string;
  tenantId?: string;
  accountId?: string;
  botId?: string;
  worldId?: string;
  agentId?: string;
  endpointId?: string;
  apiKey?: string;
  key?: string;
  secret?: string;
  webhookSecret?: string;
}

/**
 * Provisions a tenant with an account, a bot, a world, two agents and a callback endpoint, through the api as anybody would.
 * A second start on the same folder finds them in its `dev.json` and only tells the new addresses.
 */
export async function seedDemo(plan: DemoPlan): Promise<DevFile & { endpointSecret?: string }> {
  const { ingressUrl, apiUrl, adminToken, kafkaBrokers } = plan;
  const earlier = readEarlier(plan);
  if (earlier) return { ...earlier, ingressUrl, apiUrl, kafkaBrokers };

  const admin = new ApiClient(apiUrl, adminToken);
  const tenant = await admin.post<Created>('admin/tenants', { name: 'Demo Trading', settings: { limits: PLENTY } });
  const tenantId = (tenant.tenantId ?? tenant.id)!;
  const key = await admin.post<Created>(`admin/tenants/${tenantId}/api-keys`, { name: 'demo' });
  const apiKey = (key.apiKey ?? key.key ?? key.secret)!;
  const world = await admin.post<Created>('admin/worlds', {
    name: 'Demo Exchange',
    seed: 'tickwire-demo',
    companies: 100,
    tickMs: plan.tickMs,
  });
  const worldId = (world.worldId ?? world.id)!;

  const api = new ApiClient(apiUrl, apiKey);
  const account = await api.post<Created>('accounts', {
    externalId: 'demo-1',
    name: 'Demo account',
    initialBalance: '100000',
    currency: 'USD',
    quoteSource: worldId,
  });
  const bot = await api.post<Created>('bots', { name: 'Demo bot' });
  const { secret: signingSecret } = await api.post<Created>('signing-secrets');
  const endpoint = await api.post<Created>('webhook-endpoints', {
    url: `${plan.receiverUrl}/callbacks`,
    description: 'Demo receiver',
  });
  const agents: DevFile['agents'] = [];
  for (const name of ['momentum', 'contrarian']) {
    const callbackUrl = `${plan.receiverUrl}/agents/${name}`;
    const agent = await api.post<Created>('agents', { worldId, name, role: 'quant', callbackUrl });
    agents.push({
      agentId: (agent.agentId ?? agent.id)!,
      apiKey: agent.apiKey!,
      webhookSecret: agent.webhookSecret!,
      callbackUrl,
    });
  }
  return {
    ingressUrl,
    apiUrl,
    adminToken,
    tenantId,
    accountId: (account.accountId ?? account.id)!,
    botId: (bot.botId ?? bot.id)!,
    apiKey,
    signingSecret,
    symbol: await firstSymbol(api, worldId),
    worldId,
    agents,
    kafkaBrokers,
    endpointSecret: endpoint.secret,
  };
}

/** The demo of an earlier start, unless it was another one or its addresses have changed. */
function readEarlier({ dataDir, adminToken, receiverUrl }: DemoPlan): DevFile | undefined {
  const file = path.join(dataDir, 'dev.json');
  if (!existsSync(file)) return undefined;
  try {
    const dev = JSON.parse(readFileSync(file, 'utf8')) as DevFile;
    const same =
      dev.adminToken === adminToken && dev.tenantId && dev.symbol && dev.agents[0]?.callbackUrl.startsWith(receiverUrl);
    return same ? dev : undefined;
  } catch {
    return undefined;
  }
}

/** Waits for the world's first tick. */
async function firstSymbol(api: ApiClient, worldId: string): Promise<string> {
  for (let attempt = 0; attempt < 300; attempt += 1) {
    const { data } = await api
      .get<{ data: { symbol: string }[] }>(`worlds/${worldId}/instruments`)
      .catch(() => ({ data: [] as { symbol: string }[] }));
    if (data[0]) return data[0].symbol;
    await sleep(100);
  }
  throw new Error('The demo world did not tick within 30 s; run with LOG_LEVEL=info to see why');
}
