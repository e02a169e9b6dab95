import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import type { Senders } from '../load/signed-signals.js';
import type { TickwireAddresses } from './bench-system.js';

/** Far above what is measured: the bench is about the pipeline, not about its throttle. */
const LIMITS = { tenantPerMinute: 1_000_000, botPerMinute: 1_000_000, accountPerMinute: 1_000_000, burst: 100_000 };
const INITIAL_BALANCE = '1000000000';
/** Ingress does not ask which symbols there are. */
const UNQUOTED_SYMBOL = 'NVLT';
const READY_TIMEOUT_MS = 30_000;

/** A tenant of the bench's own with its accounts, made through the api; execution has taken them up. */
export async function provisionSenders(tickwire: TickwireAddresses, accounts: number): Promise<Senders> {
  const { senders, apiKey } = await provisionTenant(tickwire, accounts);
  await known(tickwire.apiUrl, apiKey, senders.accountIds);
  return senders;
}

/** For signals that nobody executes: the api alone is there, and a world that never ticks. */
export async function provisionUnexecuted(
  api: Pick<TickwireAddresses, 'apiUrl' | 'adminToken'>,
  accounts: number,
): Promise<Senders> {
  const world = { name: 'Bench', companies: 1, tickMs: 0 };
  const { id } = await call<{ id: string }>('POST', `${api.apiUrl}/api/v1/admin/worlds`, api.adminToken, world);
  return (await provisionTenant({ ...api, worldId: id, symbol: UNQUOTED_SYMBOL }, accounts)).senders;
}

/** As an operator and a tenant would. */
async function provisionTenant(
  { apiUrl, adminToken, worldId, symbol }: Omit<TickwireAddresses, 'ingressUrl'>,
  accounts: number,
): Promise<{ senders: Senders; apiKey: string }> {
  const post = <T>(path: string, token: string, body: object): Promise<T> =>
    call<T>('POST', `${apiUrl}/api/v1/${path}`, token, body);
  const tenant = await post<{ id: string }>('admin/tenants', adminToken, {
    name: 'Bench',
    settings: { limits: LIMITS },
  });
  const { key } = await post<{ key: string }>(`admin/tenants/${tenant.id}/api-keys`, adminToken, { name: 'bench' });
  const { secret } = await post<{ secret: string }>('signing-secrets', key, {});
  const accountIds: string[] = [];
  for (let index = 0; index < accounts; index += 1) {
    const account = {
      externalId: `bench-${index}`,
      initialBalance: INITIAL_BALANCE,
      currency: 'USD',
      quoteSource: worldId,
    };
    accountIds.push((await post<{ id: string }>('accounts', key, account)).id);
  }
  return { senders: { tenantId: tenant.id, accountIds, symbol, signingSecret: secret }, apiKey: key };
}

/** Waits until execution has taken every account up, so that the first signals do not measure that. */
async function known(apiUrl: string, key: string, accountIds: readonly string[]): Promise<void> {
  const until = performance.now() + READY_TIMEOUT_MS;
  for (const id of accountIds) {
    while ((await call<{ state: unknown }>('GET', `${apiUrl}/api/v1/accounts/${id}`, key)).state === null) {
      if (performance.now() > until)
        throw new Error(`Account ${id} was not taken up within ${READY_TIMEOUT_MS / 1_000} s`);
      await sleep(50);
    }
  }
}

/** @throws Error that quotes the answer when it is no success */
async function call<T>(method: 'GET' | 'POST', url: string, token: string, body?: object): Promise<T> {
  const answer = await request(url, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300)
    throw new Error(`${method} ${url} was answered ${answer.statusCode}: ${text.slice(0, 500)}`);
  return JSON.parse(text) as T;
}
