import { Counter } from 'prom-client';
import { ManagementServer } from './management-server.js';

describe('ManagementServer', () => {
  let server: ManagementServer;
  let url: string;
  beforeEach(async () => {
    server = new ManagementServer({ port: 0, host: '127.0.0.1' });
    url = `http://127.0.0.1:${await server.listen()}`;
  });
  afterEach(() => server.close());

  const get = async (
    path: string,
  ): Promise<{ status: number; body: { status: string; checks: Record<string, unknown>[] } }> => {
    const response = await fetch(url + path);
    return { status: response.status, body: (await response.json()) as never };
  };

  it('is alive and ready without any checks', async () => {
    expect((await get('/healthz')).status).toBe(200);
    expect(await get('/readyz')).toEqual({ status: 200, body: { status: 'ok', checks: [] } });
  });

  it('lists the checks of every app in the process, and fails when one fails', async () => {
    server.addReadiness('api', 'postgres', () => Promise.resolve());
    const remove = server.addReadiness('ingress', 'log', () => {
      throw new Error('no broker');
    });
    const failing = await get('/readyz');
    expect(failing.status).toBe(503);
    expect(failing.body.checks).toEqual([
      expect.objectContaining({ app: 'api', name: 'postgres', ok: true }),
      expect.objectContaining({ app: 'ingress', name: 'log', ok: false, error: 'no broker' }),
    ]);
    expect((await get('/healthz')).status).toBe(200);
    remove();
    expect((await get('/readyz')).status).toBe(200);
  });

  it('counts a check that does not answer in time as failed', async () => {
    server.addReadiness('api', 'redis', () => new Promise(() => undefined), 20);
    const { status, body } = await get('/readyz');
    expect([status, body.checks[0]?.['error']]).toEqual([503, 'no answer within 20 ms']);
  });

  it('asks for a restart when a liveness check fails', async () => {
    server.addLiveness('execution', 'partitions', () => Promise.reject(new Error('stalled')));
    expect((await get('/healthz')).status).toBe(503);
    expect((await get('/readyz')).status).toBe(200);
  });

  it('is not ready while draining, but alive', async () => {
    server.startDraining();
    expect(await get('/readyz')).toMatchObject({ status: 503, body: { status: 'draining' } });
    expect((await get('/healthz')).status).toBe(200);
  });

  it('gives the metrics of the process and of the apps', async () => {
    new Counter({ name: 'signals_total', help: 'Signals taken in', registers: [server.registry] }).inc(3);
    const response = await fetch(`${url}/metrics`);
    const text = await response.text();
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(text).toContain('signals_total 3');
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  });

  it('answers other paths and methods with 404 and 405', async () => {
    expect((await get('/')).status).toBe(404);
    expect((await fetch(`${url}/readyz`, { method: 'POST' })).status).toBe(405);
  });
});
