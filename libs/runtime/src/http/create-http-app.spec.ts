import { connect, type Socket } from 'node:net';
import { Body, Controller, Get, Module, Param, Post, Req } from '@nestjs/common';
import { Logger as NestLog } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DomainError, TransientError } from '@tickwire/errors';
import { correlationId } from '../logging/correlation.js';
import { createLogger } from '../logging/create-logger.js';
import { createHttpApp } from './create-http-app.js';
import { parseJson } from './parse-json.js';
import { RawBody } from './raw-body.js';
import type { RawBodyRequest } from './raw-body.js';

class Refused extends DomainError {
  readonly code = 'MARKET_CLOSED';
}

@Controller('/v1')
class OrdersController {
  private readonly log = new NestLog('orders');

  @Post('/signed') @RawBody() signed(@Req() request: RawBodyRequest): unknown {
    const untouched = request.rawBody.toString('latin1');
    return {
      untouched,
      same: request.body === request.rawBody,
      parsed: parseJson(request.rawBody),
      id: correlationId(),
    };
  }

  @Post('/alerts/:token') @RawBody('any') alert(
    @Req() request: RawBodyRequest,
    @Param('token') token: string,
  ): unknown {
    return { token, text: request.rawBody.toString() };
  }

  @Post('/orders') order(@Body() body: unknown): unknown {
    this.log.log({ msg: 'order', body });
    return { body: body ?? 'none' };
  }

  @Get('/orders/:id') find(@Param('id') id: string): unknown {
    if (id === 'closed') throw new Refused('Closed until Monday');
    if (id === 'down') throw new TransientError('pg at 10.0.0.7 refused');
    if (id === 'bug') throw new Error('password=hunter2');
    return { id };
  }
}

@Module({ controllers: [OrdersController] })
class OrdersModule {}

describe('createHttpApp', () => {
  let app: NestFastifyApplication;
  let url: string;
  const lines: string[] = [];

  beforeAll(async () => {
    const logger = createLogger({
      app: 'test',
      level: 'info',
      destination: { write: (line) => void lines.push(line) },
    });
    app = await createHttpApp(OrdersModule, {
      logger,
      bodyLimitBytes: 1_000,
      requestTimeoutMs: 2_000,
      headersTimeoutMs: 1_000,
    });
    await app.listen(0, '127.0.0.1');
    url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
  });
  afterAll(() => app.close());

  const post = (
    path: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> =>
    fetch(url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });

  async function expectProblem(response: Response, status: number, code: string): Promise<Record<string, unknown>> {
    const body = (await response.json()) as Record<string, unknown>;
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect([response.status, body['status'], body['code']]).toEqual([status, status, code]);
    expect(body['requestId']).toBe(response.headers.get('x-request-id'));
    return body;
  }

  it('leaves the body of a signed route as bytes and runs the handler under the request id', async () => {
    const response = await post('/v1/signed', ' {"a":1.0, "a":2} ', { 'x-request-id': 'caller-7' });
    expect(await response.json()).toEqual({
      untouched: ' {"a":1.0, "a":2} ',
      same: true,
      parsed: { a: 2 },
      id: 'caller-7',
    });
    expect(response.headers.get('x-request-id')).toBe('caller-7');
  });

  it('does not take over a request id that could forge a log line', async () => {
    const response = await post('/v1/orders', '{}', { 'x-request-id': 'a b"}' });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('refuses a signed route another content type, and lets an alert route judge for itself', async () => {
    await expectProblem(await post('/v1/signed', '{}', { 'content-type': 'text/plain' }), 415, 'UNSUPPORTED_MEDIA');
    const alert = await post('/v1/alerts/t1', 'buy now', { 'content-type': 'text/plain' });
    expect(await alert.json()).toEqual({ token: 't1', text: 'buy now' });
  });

  it('parses other bodies strictly, and an empty one as none', async () => {
    expect(await (await post('/v1/orders', '{"a":[1]}')).json()).toEqual({ body: { a: [1] } });
    expect(await (await post('/v1/orders', '')).json()).toEqual({ body: 'none' });
    await expectProblem(await post('/v1/orders', '{"a":'), 400, 'MALFORMED_JSON');
    await expectProblem(await post('/v1/orders', '{"__proto__":{}}'), 400, 'MALFORMED_JSON');
    await expectProblem(
      await post('/v1/orders', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'UNSUPPORTED_MEDIA',
    );
  });

  it('refuses compressed bodies and says so in Accept-Encoding', async () => {
    const response = await post('/v1/orders', '{}', { 'content-encoding': 'gzip' });
    await expectProblem(response, 415, 'UNSUPPORTED_MEDIA');
    expect(response.headers.get('accept-encoding')).toBe('identity');
  });

  it('refuses a body above the limit', async () => {
    await expectProblem(await post('/v1/orders', `"${'x'.repeat(1_000)}"`), 413, 'BODY_TOO_LARGE');
    await expectProblem(await post('/v1/signed', `"${'x'.repeat(1_000)}"`), 413, 'BODY_TOO_LARGE');
  });

  it('answers an unknown path 404 and a known path with another method 405', async () => {
    await expectProblem(await fetch(`${url}/v1/nothing`), 404, 'NOT_FOUND');
    const response = await fetch(`${url}/v1/orders/o1`, { method: 'DELETE' });
    await expectProblem(response, 405, 'METHOD_NOT_ALLOWED');
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    await expectProblem(await fetch(`${url}/v1/%zz`), 400, 'BAD_REQUEST');
  });

  it('turns errors of handlers into problems and gives nothing away', async () => {
    const refused = await expectProblem(await fetch(`${url}/v1/orders/closed`), 422, 'MARKET_CLOSED');
    expect(refused['detail']).toBe('Closed until Monday');
    const down = await fetch(`${url}/v1/orders/down`);
    expect(down.headers.get('retry-after')).toBe('1');
    expect(JSON.stringify(await expectProblem(down, 503, 'UNAVAILABLE'))).not.toContain('10.0.0.7');
    lines.length = 0;
    const bug = await expectProblem(await fetch(`${url}/v1/orders/bug`), 500, 'INTERNAL');
    expect(JSON.stringify(bug)).not.toContain('hunter2');
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(logged).toContainEqual(
      expect.objectContaining({ level: 'error', requestId: bug['requestId'], route: '/v1/orders/:id' }),
    );
  });

  it('logs through the one logger, with the request id as correlation id', async () => {
    lines.length = 0;
    await post('/v1/orders', '{"a":1}', { 'x-request-id': 'caller-8' });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toContainEqual(
      expect.objectContaining({ app: 'test', context: 'orders', msg: 'order', correlationId: 'caller-8' }),
    );
  });

  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let answer = '';
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes));
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });

  it('answers bytes that are no request with a problem as well', async () => {
    const answer = await raw('HELO there\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('application/problem+json');
    expect(await raw(`GET / HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('does not wait for ever for a slow sender', async () => {
    const answer = await raw(
      'POST /v1/orders HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n{"a"',
    );
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  });
});

describe('closing', () => {
  it('answers 503 with Retry-After while the shutdown hooks run', async () => {
    let release: () => void = () => undefined;
    let entered: () => void = () => undefined;
    const draining = new Promise<void>((resolve) => (entered = resolve));
    class Slow {
      async onModuleDestroy(): Promise<void> {
        entered();
        await new Promise<void>((resolve) => (release = resolve));
      }
    }
    @Module({ controllers: [OrdersController], providers: [Slow] })
    class SlowModule {}
    const app = await createHttpApp(SlowModule, { logger: createLogger({ app: 'test', level: 'silent' }) });
    await app.listen(0, '127.0.0.1');
    const url = await app.getUrl();
    const closed = app.close();
    await draining;
    const response = await fetch(`${url}/v1/orders/o1`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await response.json()).toMatchObject({ code: 'SHUTTING_DOWN' });
    release();
    await closed;
  });
});

describe('connections', () => {
  it('are closed at once above their number, and those below go on', async () => {
    const logger = createLogger({ app: 'test', level: 'silent' });
    const app = await createHttpApp(OrdersModule, { logger, maxConnections: 2 });
    await app.listen(0, '127.0.0.1');
    const { port } = new URL(await app.getUrl());
    const open = (): Promise<{ socket: Socket; kept: boolean }> =>
      new Promise((resolve) => {
        const socket = connect(Number(port), '127.0.0.1', () =>
          socket.write('GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n'),
        );
        socket.once('data', () => resolve({ socket, kept: true }));
        socket.once('close', () => resolve({ socket, kept: false }));
        socket.on('error', () => undefined);
      });
    const sockets = [await open(), await open(), await open()];
    expect(sockets.map(({ kept }) => kept)).toEqual([true, true, false]);
    sockets[0]!.socket.destroy();
    let again = await open();
    for (let tries = 0; !again.kept && tries < 100; tries += 1) again = await open();
    expect(again.kept).toBe(true);
    for (const { socket } of [...sockets, again]) socket.destroy();
    await app.close();
  });
});
