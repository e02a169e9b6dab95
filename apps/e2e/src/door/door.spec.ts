import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseWebhookSecret, signBodyHex, signStandardWebhook } from '@tickwire/signing';
import type { DevFile } from '@tickwire/standalone';
import { freePorts } from '../exactly-once/free-ports.js';
import { StandaloneProcess } from '../exactly-once/standalone-process.js';

/** How long a change may take to reach every door, ms. */
const NEWS_MS = 2_000;

interface Answer {
  status: number;
  body: Record<string, unknown>;
}

// The door with its management behind it: what a tenant changes at the api counts at ingress, two seconds later at most.
describe('the door and who manages it', () => {
  let system: StandaloneProcess;
  let dev: DevFile;
  let count = 0;

  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'tickwire-door-'));
    system = new StandaloneProcess(folder, await freePorts(4), ['--tick-ms', '500']);
    dev = await system.start();
  }, 120_000);
  afterAll(() => system.remove());

  const call = async (method: string, url: string, headers: Record<string, string>, body?: string): Promise<Answer> => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await fetch(url, { method, headers: { ...json, ...headers }, body });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  };
  const api = async <T = Record<string, unknown>>(method: string, route: string, body?: object): Promise<T> => {
    const headers = { authorization: `Bearer ${dev.apiKey!}` };
    const answer = await call(method, `${dev.apiUrl}/api/v1/${route}`, headers, body && JSON.stringify(body));
    if (answer.status >= 300) throw new Error(`${method} ${route}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  };
  const signal = (change: object = {}): string =>
    JSON.stringify({
      tenantId: dev.tenantId,
      accountId: dev.accountId,
      signalId: `door-${(count += 1)}`,
      symbol: dev.symbol,
      action: 'buy',
      quantity: 1,
      ...change,
    });
  const post = (body: string, headers: Record<string, string>, route = 'signals'): Promise<Answer> =>
    call('POST', `${dev.ingressUrl}/api/v1/webhooks/${route}`, headers, body);
  const sendSigned = (secret: string, body = signal()): Promise<Answer> => {
    const id = `msg_door_${(count += 1)}`;
    const timestampS = Math.floor(Date.now() / 1_000);
    const signature = signStandardWebhook({ id, timestampS, body, keys: [parseWebhookSecret(secret)] });
    return post(body, { 'webhook-id': id, 'webhook-timestamp': String(timestampS), 'webhook-signature': signature });
  };
  /** The final status of an accepted signal, by its status URL. */
  const finalOf = async ({ body }: Answer): Promise<unknown> => {
    const url = body['statusUrl'] as string;
    for (let tries = 0; tries < 100; tries += 1) {
      const { status } = (await call('GET', url, { prefer: 'wait=5' })).body;
      if (['executed', 'completed', 'failed'].includes(status as string)) return status;
      await sleep(100);
    }
    return 'none';
  };

  it('rotates a secret with an overlap, and a revoked one is worth nothing after two seconds', async () => {
    const made = await api<{ id: string; secret: string }>('POST', 'signing-secrets', { name: 'rotating' });
    expect((await sendSigned(made.secret)).status).toBe(202);
    const next = await api<{ id: string; secret: string }>('POST', `signing-secrets/${made.id}/rotate`, {
      overlapSeconds: 3_600,
    });
    expect([(await sendSigned(made.secret)).status, (await sendSigned(next.secret)).status]).toEqual([202, 202]);
    await api('DELETE', `signing-secrets/${next.id}`);
    await sleep(NEWS_MS);
    expect([(await sendSigned(next.secret)).status, (await sendSigned(made.secret)).status]).toEqual([401, 202]);
  });

  it('takes a TradingView alert at a URL that the api has made, executes it, and closes the URL again', async () => {
    const { id, url } = await api<{ id: string; url: string }>('POST', 'alert-tokens', {
      botId: dev.botId,
      accountId: dev.accountId,
      symbolMap: { 'NASDAQ:DEMO': dev.symbol },
    });
    const alert = { symbol: 'NASDAQ:DEMO', action: 'buy', quantity: '1', time: new Date().toISOString() };
    const answer = await call('POST', url, {}, JSON.stringify(alert));
    expect(answer.status).toBe(202);
    expect(await finalOf(answer)).toBe('executed');
    await api('DELETE', `alert-tokens/${id}`);
    await sleep(NEWS_MS);
    expect((await call('POST', url, {}, JSON.stringify({ ...alert, time: undefined }))).status).toBe(401);
  });

  it('takes body-signed signals and batches through to their fills', async () => {
    const { secret } = await api<{ secret: string }>('POST', 'signing-secrets', { name: 'hex' });
    const body = signal({ timestamp: new Date().toISOString() });
    const signature = signBodyHex({ body, key: Buffer.from(secret, 'utf8') });
    const single = await post(body, { 'x-webhook-signature': signature });
    expect(single.status).toBe(202);
    expect(await finalOf(single)).toBe('executed');
    const batch = JSON.stringify({ signals: [signal(), signal(), signal()].map((text) => JSON.parse(text) as object) });
    const taken = await post(batch, { authorization: `Bearer ${dev.apiKey!}` }, 'signals/batch');
    const results = taken.body['results'] as Record<string, unknown>[];
    expect([taken.status, results.map(({ status }) => status)]).toEqual([202, ['received', 'received', 'received']]);
    for (const result of results) expect(await finalOf({ status: 202, body: result })).toBe('executed');
  });

  it('keeps to the tenant’s settings: only the schemes that it allows', async () => {
    await api('PATCH', 'settings', { schemes: ['standard-webhooks'] });
    await sleep(NEWS_MS);
    const byKey = (): Promise<Answer> => post(signal(), { authorization: `Bearer ${dev.apiKey!}` });
    const refused = await byKey();
    expect([refused.status, refused.body['code']]).toEqual([403, 'FORBIDDEN']);
    await api('PATCH', 'settings', { schemes: null });
    await sleep(NEWS_MS);
    expect((await byKey()).status).toBe(202);
  });

  it('shuts a sender out whose pattern the tenant wants quarantined, tells why, and lets it in when released', async () => {
    await api('PATCH', 'settings', { suspicion: { replay_storm: 'quarantine' } });
    await sleep(NEWS_MS);
    const body = signal();
    const again = (): Promise<Answer> =>
      post(body, { authorization: `Bearer ${dev.apiKey!}`, 'idempotency-key': 'door-storm' });
    let refused: Answer | undefined;
    for (let tries = 0; tries < 100 && refused === undefined; tries += 1) {
      const answer = await again();
      if (answer.status === 403) refused = answer;
      await sleep(50);
    }
    expect(refused?.body['code']).toBe('QUARANTINED');
    const { data } = await api<{ data: { id: string; pattern: string }[] }>('GET', 'restrictions');
    expect(data[0]).toMatchObject({ id: refused!.body['restrictionId'], pattern: 'replay_storm' });
    await api('DELETE', `restrictions/${data[0]!.id}`);
    await sleep(NEWS_MS);
    expect((await again()).status).toBe(202);
    const log = await api<{ data: { action: string }[] }>('GET', 'audit-logs');
    expect(log.data.map(({ action }) => action)).toContain('restriction.released');
  });
});
