import { readFileSync } from 'node:fs';
import net from 'node:net';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { AddressGuard } from '../addresses/address-guard.js';
import { parseAllowCidrs } from '../addresses/address-ranges.js';
import type { NameResolver } from '../addresses/name-resolver.js';
import type { AttemptFailure, AttemptOutcome, AttemptResponse } from './attempt-outcome.js';
import type { CallbackClient, CallbackRequest } from './callback-client.js';
import { Receiver, localClient } from '../../fixtures/receiver.js';

const LIMIT = 65_536;
const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

describe('CallbackClient', () => {
  let client: CallbackClient;
  const receivers: Receiver[] = [];
  beforeEach(() => (client = localClient()));
  afterEach(async () => {
    await client.destroy();
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
  });

  const started = async (receiver: Promise<Receiver>): Promise<Receiver> => {
    receivers.push(await receiver);
    return receiver;
  };
  const post = (url: string, more: Partial<CallbackRequest> = {}): Promise<AttemptOutcome> =>
    client.post({ url, body: '{"tick":1}', ...more });
  const answered = async (outcome: Promise<AttemptOutcome>): Promise<AttemptResponse> => {
    const settled = await outcome;
    if (settled.kind !== 'response') throw new Error(`${settled.reason}: ${settled.detail}`);
    return settled;
  };
  const failed = async (outcome: Promise<AttemptOutcome>): Promise<AttemptFailure> => {
    const settled = await outcome;
    if (settled.kind !== 'failed') throw new Error(`answered with ${settled.status}`);
    return settled;
  };
  /** Answers every request with these bytes, then leaves the connection open. */
  const saying = (...lines: string[]): Promise<Receiver> =>
    started(Receiver.raw((socket) => socket.once('data', () => socket.write(lines.join('\r\n')))));

  describe('an exchange', () => {
    it('sends the bytes it was given and hands over the answer', async () => {
      const seen: Record<string, unknown>[] = [];
      const receiver = await started(
        Receiver.http((request, response) => {
          const chunks: Buffer[] = [];
          request.on('data', (chunk: Buffer) => chunks.push(chunk));
          request.on('end', () => {
            seen.push({ ...request.headers, method: request.method, url: request.url, body: Buffer.concat(chunks) });
            response.writeHead(201, { 'Content-Type': 'application/json', 'X-Other': '1', 'Retry-After': '2' });
            response.end('{"actions":[]}');
          });
        }),
      );
      const body = Buffer.from([0x7b, 0xff, 0x00, 0x7d]);
      const answer = await answered(post(receiver.url, { body, headers: { 'X-WallStreetSim-Tick': '1' } }));
      expect(answer).toMatchObject({ kind: 'response', status: 201 });
      expect(answer.body.toString()).toBe('{"actions":[]}');
      expect(answer.headers).toEqual({ 'content-type': 'application/json', 'retry-after': '2' });
      expect(answer.durationMs).toBeGreaterThan(0);
      expect(seen).toEqual([
        expect.objectContaining({
          method: 'POST',
          url: '/hook?key=1',
          host: `127.0.0.1:${receiver.port}`,
          body,
          'content-length': '4',
          'accept-encoding': 'identity',
          'user-agent': 'Tickwire/1',
          'x-wallstreetsim-tick': '1',
        }),
      ]);
    });

    it.each([204, 400, 404, 429, 500, 503])('takes %d for an answer', async (status) => {
      const receiver = await started(Receiver.http((_, response) => response.writeHead(status).end()));
      expect(await answered(post(receiver.url))).toMatchObject({ status, body: Buffer.alloc(0) });
    });

    it.each<[string, CallbackRequest['body'], string]>([
      ['a text', 'é漢😀', 'é漢😀'],
      ['parts of both kinds', ['{"a":"é', Buffer.from('漢'), '', '😀"', Buffer.from('}')], '{"a":"é漢😀"}'],
      ['no part at all', [], ''],
      ['an empty text', '', ''],
    ])('sends %s as one body with its length in bytes', async (_, body, expected) => {
      const seen: unknown[] = [];
      const receiver = await started(
        Receiver.http((request, response) => {
          let text = '';
          request.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          request.on('end', () => {
            seen.push([request.headers['content-length'], text]);
            response.end();
          });
        }),
      );
      await answered(post(receiver.url, { body }));
      expect(seen).toEqual([[String(Buffer.byteLength(expected)), expected]]);
    });

    it('passes over interim answers', async () => {
      const receiver = await saying(
        'HTTP/1.1 103 Early Hints',
        'link: </x>',
        '',
        'HTTP/1.1 200 OK',
        'content-length: 2',
        '',
        'ok',
      );
      const answer = await answered(post(receiver.url));
      expect([answer.status, answer.body.toString()]).toEqual([200, 'ok']);
    });

    it.each([301, 302, 303, 307, 308])('does not follow a %d', async (status) => {
      const elsewhere = await started(Receiver.http((_, response) => response.end('secret')));
      const receiver = await started(
        Receiver.http((_, response) => response.writeHead(status, { location: elsewhere.url }).end()),
      );
      const answer = await answered(post(receiver.url));
      expect(answer).toMatchObject({ status, headers: { location: elsewhere.url } });
      expect(elsewhere.sockets).toHaveLength(0);
    });

    it('fetches documents with GET', async () => {
      const receiver = await started(Receiver.http((request, response) => response.end(request.method)));
      const answer = await answered(client.get({ url: receiver.url }));
      expect(answer.body.toString()).toBe('GET');
    });

    it('speaks TLS to the name of the URL at the address that was checked', async () => {
      const names: unknown[] = [];
      const server = tls.createServer(
        { key: fixture('receiver-key.pem'), cert: fixture('receiver-cert.pem') },
        (socket) => {
          names.push(Reflect.get(socket, 'servername')); // missing in the types
          socket.on('error', () => undefined);
          socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
        },
      );
      const receiver = await started(Receiver.listen(server, 'https'));
      const resolver: NameResolver = () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
      const guard = new AddressGuard({ allowCidrs: parseAllowCidrs('127.0.0.1'), resolver });
      const trusting = localClient({ guard, ca: fixture('receiver-cert.pem') });
      const ask = (asking: CallbackClient, name: string) => asking.post({ url: receiver.urlAt(name), body: '' });
      expect(await ask(trusting, 'receiver.example.com')).toMatchObject({ kind: 'response', status: 200 });
      expect(names).toEqual(['receiver.example.com']);
      expect(await ask(trusting, 'other.example.com')).toMatchObject({ kind: 'failed', reason: 'tls' });
      const wary = localClient({ guard });
      expect(await ask(wary, 'receiver.example.com')).toMatchObject({ kind: 'failed', reason: 'tls' });
      await Promise.all([trusting.destroy(), wary.destroy()]);
    });
  });

  describe('the deadline', () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n';
    const never: NameResolver = () => new Promise(() => undefined);

    it.each<[string, (socket: Socket) => void]>([
      ['never answers', () => undefined],
      ['stalls within the headers', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-')],
      ['stalls within the body', (socket) => socket.write(`${head}begin`)],
      ['sends interim answers without end', (socket) => every(socket, 'HTTP/1.1 102 Processing\r\n\r\n')],
      [
        'dribbles its headers',
        (socket) => {
          socket.write('HTTP/1.1 200 OK\r\nx: ');
          every(socket, 'y');
        },
      ],
      [
        'dribbles its body',
        (socket) => {
          socket.write(head);
          every(socket, '.');
        },
      ],
    ])('cuts off a receiver that %s', async (_, misbehave) => {
      const receiver = await started(Receiver.raw((socket) => socket.once('data', () => misbehave(socket))));
      const failure = await failed(post(receiver.url, { timeoutMs: 150 }));
      expect(failure.reason).toBe('timeout');
      await receiver.closed(0);
      expect(client.stats()).toEqual({ origins: 0, connections: 0, inFlight: 0 });
    });

    it('says what had come by then', async () => {
      const receiver = await saying('HTTP/1.1 503 Busy', 'content-length: 5', '', 'x');
      const failure = await failed(post(receiver.url, { timeoutMs: 100 }));
      expect(failure).toMatchObject({ reason: 'timeout', status: 503, detail: 'no complete answer within 100 ms' });
      expect(failure.durationMs).toBeGreaterThanOrEqual(99);
    });

    it('covers the name lookup', async () => {
      const guard = new AddressGuard({ allowHttp: true, resolver: never });
      const waiting = localClient({ guard });
      const outcome = await waiting.post({ url: 'http://bot.example.com/', body: '', timeoutMs: 50 });
      expect(outcome).toMatchObject({ kind: 'failed', reason: 'timeout' });
      await waiting.destroy();
    });

    it('covers the TLS handshake, and closes the socket', async () => {
      const receiver = await started(
        Receiver.listen(
          net.createServer((socket) => socket.resume()),
          'https',
        ),
      );
      expect(await failed(post(receiver.url, { timeoutMs: 100 }))).toMatchObject({ reason: 'timeout' });
      await receiver.closed(0);
    });

    it('covers waiting for a free connection', async () => {
      client = localClient({ connectionsPerOrigin: 1 });
      const receiver = await started(Receiver.raw(() => undefined));
      const outcomes = await Promise.all([1, 2, 3].map(() => failed(post(receiver.url, { timeoutMs: 100 }))));
      expect(outcomes.map(({ reason }) => reason)).toEqual(['timeout', 'timeout', 'timeout']);
      expect(client.stats()).toEqual({ origins: 0, connections: 0, inFlight: 0 });
    });
  });

  describe('the size limit', () => {
    it.each(['announced', 'chunked'])('refuses a body that is too long, %s', async (how) => {
      const receiver = await started(
        Receiver.http((_, response) => {
          if (how === 'announced') response.setHeader('content-length', LIMIT + 1);
          response.write('a'.repeat(LIMIT));
          response.end('b');
        }),
      );
      expect(await failed(post(receiver.url))).toMatchObject({ reason: 'too_large', status: 200 });
      await receiver.closed(0);
    });

    it('does not read an endless body', async () => {
      const receiver = await started(
        Receiver.raw((socket) =>
          socket.once('data', () => {
            socket.write('HTTP/1.1 200 OK\r\n\r\n');
            every(socket, 'x'.repeat(30_000));
          }),
        ),
      );
      expect(await failed(post(receiver.url))).toMatchObject({ reason: 'too_large' });
      await receiver.closed(0);
    });

    it('takes a body of exactly the limit', async () => {
      const receiver = await started(Receiver.http((_, response) => response.end('a'.repeat(LIMIT))));
      expect((await answered(post(receiver.url))).body).toHaveLength(LIMIT);
    });

    const encodings = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, br: brotliCompressSync };
    const compressed = (encoding: string, bytes: Buffer): Promise<Receiver> =>
      started(Receiver.http((_, response) => response.setHeader('content-encoding', encoding).end(bytes)));

    it.each(Object.entries(encodings))('inflates %s that comes unasked, up to the limit', async (encoding, deflate) => {
      const receiver = await compressed(encoding, deflate(Buffer.alloc(LIMIT, 'a')));
      const { body, headers } = await answered(post(receiver.url));
      expect([body.length, headers['content-encoding']]).toEqual([LIMIT, undefined]);
      const bomb = await compressed(encoding, deflate(Buffer.alloc(2_000_000)));
      expect(await failed(post(bomb.url))).toMatchObject({ reason: 'too_large', status: 200 });
    });

    it('inflates the bare stream that some servers call deflate', async () => {
      const receiver = await compressed('deflate', deflateRawSync('{"actions":[]}'));
      expect((await answered(post(receiver.url))).body.toString()).toBe('{"actions":[]}');
    });

    it.each(['gzip', 'br', 'deflate', 'gzip, br', 'zstd'])(
      'leaves %s that it cannot read as it came',
      async (encoding) => {
        const receiver = await compressed(encoding, Buffer.from('garbage'));
        const { body, headers } = await answered(post(receiver.url));
        expect([body.toString(), headers['content-encoding']]).toEqual(['garbage', encoding]);
      },
    );
  });

  describe('failures', () => {
    it('tells a refused connection', async () => {
      const receiver = await Receiver.raw(() => undefined);
      const { url } = receiver;
      await receiver.stop();
      expect(await failed(post(url))).toMatchObject({ reason: 'connection_refused' });
    });

    it('tells a reset, and does not repeat a request on its first connection', async () => {
      const receiver = await started(Receiver.raw((socket) => socket.once('data', () => socket.resetAndDestroy())));
      expect(await failed(post(receiver.url))).toMatchObject({ reason: 'reset' });
      expect(receiver.sockets).toHaveLength(1);
    });

    it('tells a connection that ends within the body', async () => {
      const receiver = await started(
        Receiver.raw((socket) =>
          socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf')),
        ),
      );
      const failure = await failed(post(receiver.url));
      expect(['reset', 'invalid_response']).toContain(failure.reason);
    });

    it.each([
      ['no HTTP at all', 'SSH-2.0-OpenSSH_9.6\r\n\r\n'],
      ['an unasked upgrade', 'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
      ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`],
      ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
      ['length and chunks', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
      ['a broken chunk', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'],
    ])('refuses %s', async (_, bytes) => {
      const receiver = await saying(bytes);
      const failure = await failed(post(receiver.url));
      expect(failure.reason).toBe('invalid_response');
      expect(failure.detail).toMatch(/^[\x20-\x7e]{1,200}$/);
    });

    it('tells a name that does not resolve', async () => {
      const resolver: NameResolver = () => Promise.reject(Object.assign(new Error(), { code: 'ENOTFOUND' }));
      const lost = localClient({ guard: new AddressGuard({ resolver }) });
      expect(await lost.post({ url: 'https://bot.example.com/', body: '' })).toMatchObject({ reason: 'dns' });
    });

    it.each<Record<string, string>>([
      { Host: 'internal' },
      { connection: 'upgrade' },
      { 'Accept-Encoding': 'gzip' },
      { 'x-note': 'a\r\nx: b' },
    ])('does not send headers %p', async (headers) => {
      const receiver = await started(Receiver.http((_, response) => response.end()));
      expect(await failed(post(receiver.url, { headers }))).toMatchObject({ reason: 'invalid_request' });
      expect(await answered(post(receiver.url))).toMatchObject({ status: 200 });
    });

    it('does not reject for a URL that is none', async () => {
      expect(await failed(post('nonsense'))).toMatchObject({ reason: 'invalid_request' });
    });
  });

  describe('the guard', () => {
    const guarded = (resolver: NameResolver, allow = ''): CallbackClient =>
      localClient({ guard: new AddressGuard({ allowHttp: true, allowCidrs: parseAllowCidrs(allow), resolver }) });
    const ipv4 = (...addresses: string[]) => addresses.map((address) => ({ address, family: 4 as const }));

    it.each(['127.0.0.1', '2130706433', '0x7f.1', '127.0.0.1.', '[::ffff:127.0.0.1]', '[::1]'])(
      'makes no connection to http://%s',
      async (host) => {
        const receiver = await started(Receiver.http((_, response) => response.end()));
        const strict = guarded(() => Promise.resolve([]));
        const outcome = await strict.post({ url: receiver.urlAt(host), body: '' });
        expect(outcome).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
        expect(receiver.sockets).toHaveLength(0);
      },
    );

    it.each([[['127.0.0.1']], [['127.0.0.1', '8.8.8.8']], [['8.8.8.8', '127.0.0.1']]])(
      'makes no connection for a name that resolves to %p',
      async (addresses) => {
        const receiver = await started(Receiver.http((_, response) => response.end()));
        const strict = guarded(() => Promise.resolve(ipv4(...addresses)));
        const outcome = await strict.post({ url: receiver.urlAt('bot.example.com'), body: '' });
        expect(outcome).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
        expect(receiver.sockets).toHaveLength(0);
        await strict.destroy();
      },
    );

    it('checks anew for each connection, and uses the one answer that it checked', async () => {
      const answers = ['127.0.0.1', '10.0.0.1', '127.0.0.1'];
      let asked = 0;
      const receiver = await started(
        Receiver.http((request, response) => response.setHeader('connection', 'close').end(request.headers.host)),
      );
      const rebound = guarded(() => Promise.resolve(ipv4(answers[asked++] ?? '')), '127.0.0.1');
      const ask = () => rebound.post({ url: receiver.urlAt('bot.example.com'), body: '' });
      const first = await answered(ask());
      expect(first.body.toString()).toBe(`bot.example.com:${receiver.port}`);
      expect(asked).toBe(1);
      expect(await ask()).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
      expect(receiver.sockets).toHaveLength(1);
      expect(await ask()).toMatchObject({ kind: 'response', status: 200 });
      expect(asked).toBe(3);
      await rebound.destroy();
    });
  });
});

/** Writes `text` every few milliseconds until the connection closes. */
function every(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 5);
  socket.once('close', () => clearInterval(timer));
}
