import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { AddressGuard } from '../addresses/address-guard.js';
import { parseAllowCidrs } from '../addresses/address-ranges.js';
import { guardedConnect } from '../addresses/guarded-connector.js';
import type { Connect, ConnectSettings } from '../addresses/guarded-connector.js';
import { Receiver, localGuard } from '../../fixtures/receiver.js';
import { Connection } from './connection.js';
import type { WireRequest } from './connection.js';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const MAX_AGE_MS = 60_000;
const fixture = (name: string): Buffer => readFileSync(new URL(`../../fixtures/${name}`, import.meta.url));

interface Told {
  answer?: string;
  reusable?: boolean;
  tooLarge?: true;
  code?: string;
  repeatable?: boolean;
}

/** One connection to a receiver of which each test says how it speaks. */
describe('Connection', () => {
  const receivers: Receiver[] = [];
  const connections: Connection[] = [];
  const lost: Connection[] = [];
  afterEach(async () => {
    for (const connection of connections.splice(0)) connection.destroy();
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
  });

  const connectWith = (settings: Partial<ConnectSettings> = {}): Connect =>
    guardedConnect(localGuard, { connectTimeoutMs: 1_000, ...settings });
  const connectionTo = (
    receiver: Receiver,
    connect = connectWith(),
    hostname = '127.0.0.1',
    keptForMs = 10_000,
  ): Connection => {
    receivers.push(receiver);
    const { protocol, port } = new URL(receiver.urlAt(hostname));
    const connection = new Connection({ protocol, hostname, port }, connect, keptForMs, (gone) => lost.push(gone));
    connections.push(connection);
    return connection;
  };
  const exchange = (connection: Connection, request: Partial<WireRequest> = {}): Promise<Told> =>
    new Promise((resolve) =>
      connection.send({
        request: {
          method: 'POST',
          head: 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n',
          body: [Buffer.from('{}')],
          maxResponseBytes: 100_000,
          ...request,
        },
        onAnswer: (answer) =>
          resolve({
            answer: answer.takeBody().toString('latin1'),
            reusable: connection.isReusable(performance.now(), MAX_AGE_MS),
          }),
        onTooLarge: () => resolve({ tooLarge: true }),
        onError: (error, repeatable) => resolve({ code: (error as NodeJS.ErrnoException).code, repeatable }),
      }),
    );
  /** Answers the nth request (from 1) of a connection by writing. */
  const answering = (...answers: (string | ((socket: Socket) => void))[]): Promise<Receiver> =>
    Receiver.raw((socket) => {
      let nth = 0;
      socket.on('data', () => {
        const answer = answers[nth++];
        if (typeof answer === 'string') socket.write(answer, 'latin1');
        else answer?.(socket);
      });
    });
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  };

  it.each([
    ['of announced length', OK, 'ok', true],
    ['after a Continue that nobody asked for', `HTTP/1.1 100 Continue\r\n\r\n${OK}`, 'ok', true],
    ['in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\n\r\n', 'ok', true],
    ['that announces the end', OK.replace('content', 'connection: close\r\ncontent'), 'ok', false],
    ['of HTTP/1.0', OK.replace('1.1', '1.0'), 'ok', false],
    ['with bytes too many', `${OK}!`, 'ok', false],
    ['whose time is as good as over', OK.replace('content', 'keep-alive: timeout=1\r\ncontent'), 'ok', false],
  ])('reads an answer %s', async (_, bytes, answer, reusable) => {
    expect(await exchange(connectionTo(await answering(bytes)))).toEqual({ answer, reusable });
  });

  it('reads an answer that the end of the connection ends', async () => {
    const receiver = await answering((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\no');
      setTimeout(() => socket.end('k'), 10);
    });
    expect(await exchange(connectionTo(receiver))).toEqual({ answer: 'ok', reusable: false });
  });

  it('reads large answers that come in many pieces, several connections at a time', async () => {
    const receiver = await Receiver.http((request, response) => {
      request.on('data', (body: Buffer) => response.end(body.toString().repeat(40_000)));
    });
    const bodies = ['ab', 'cd', 'ef', 'gh', 'ij'];
    const told = await Promise.all(
      bodies.map((body) => exchange(connectionTo(receiver), { body: [Buffer.from(body)] })),
    );
    expect(told).toEqual(bodies.map((body) => ({ answer: body.repeat(40_000), reusable: true })));
  });

  it('serves one exchange after another', async () => {
    const receiver = await answering(OK, OK.replace('ok', 'ko'), OK);
    const connection = connectionTo(receiver);
    for (const answer of ['ok', 'ko', 'ok']) expect(await exchange(connection)).toEqual({ answer, reusable: true });
    expect(receiver.sockets).toHaveLength(1);
  });

  it.each<[string, string | ((socket: Socket) => void), string]>([
    ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n', 'INVALID_RESPONSE'],
    ['a body that ends early', (socket) => socket.end(OK.slice(0, -1)), 'INVALID_RESPONSE'],
    ['a head that ends early', (socket) => socket.end('HTTP/1.1 200 OK\r\nx'), 'CONNECTION_ENDED'],
    ['nothing, and the end', (socket) => socket.end(), 'CONNECTION_ENDED'],
    ['a reset', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
  ])('tells of %s', async (_, answer, code) => {
    expect(await exchange(connectionTo(await answering(answer)))).toEqual({ code, repeatable: false });
  });

  it.each<[string, (socket: Socket) => void, boolean]>([
    ['resets', (socket) => socket.resetAndDestroy(), true],
    ['ends', (socket) => socket.end(), true],
    ['ends after the first byte', (socket) => socket.end('H'), false],
  ])(
    'tells that a request may be repeated where it was used before and the receiver %s',
    async (_, hangUp, repeatable) => {
      const connection = connectionTo(await answering(OK, hangUp));
      expect(await exchange(connection)).toMatchObject({ answer: 'ok' });
      expect(await exchange(connection)).toMatchObject({ repeatable });
    },
  );

  it('gives up on a long body at its announcement', async () => {
    const receiver = await answering('HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n');
    expect(await exchange(connectionTo(receiver))).toEqual({ tooLarge: true });
  });

  it('takes an answer that comes before the request was read, and is not used again then', async () => {
    const receiver = await Receiver.raw((socket) => {
      socket.pause();
      socket.write(OK);
    });
    const body = Buffer.alloc(20_000_000); // more than the kernel takes
    expect(await exchange(connectionTo(receiver), { body: [body] })).toEqual({ answer: 'ok', reusable: false });
  });

  it('sends large bodies whole to a receiver that reads slowly', async () => {
    let received = 0;
    const receiver = await Receiver.raw((socket) => {
      socket.on('data', (bytes: Buffer) => {
        received += bytes.length;
        socket.pause();
        setTimeout(() => socket.resume(), 1);
        if (received === 3_000_000) socket.write(OK);
      });
    });
    const told = await exchange(connectionTo(receiver), { head: 'x'.repeat(1_000), body: [Buffer.alloc(2_999_000)] });
    expect(told).toEqual({ answer: 'ok', reusable: true });
  });

  it('survives a reset while it writes', async () => {
    const receiver = await Receiver.raw((socket) => {
      socket.pause();
      setTimeout(() => socket.resetAndDestroy(), 20);
    });
    const told = await exchange(connectionTo(receiver), { body: [Buffer.alloc(20_000_000)] });
    expect(['ECONNRESET', 'EPIPE']).toContain(told.code);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['speaks', (socket) => socket.write(OK)],
    ['ends it', (socket) => socket.end()],
    ['resets it', (socket) => socket.resetAndDestroy()],
  ])('is lost when the receiver %s while nothing was asked', async (_, act) => {
    const receiver = await answering(OK);
    const connection = connectionTo(receiver);
    await exchange(connection);
    connection.rest(performance.now());
    expect(lost).not.toContain(connection);
    act(receiver.sockets[0]!);
    await until(() => lost.includes(connection));
    expect(connection.isReusable(performance.now(), MAX_AGE_MS)).toBe(false);
  });

  it('is lost once its time of rest is over, counted from its last use', async () => {
    const connection = connectionTo(await answering(OK, OK), connectWith(), '127.0.0.1', 200);
    let restedAtMs = 0;
    for (let n = 0; n < 2; n += 1) {
      if (n > 0) await new Promise((resolve) => setTimeout(resolve, 120));
      expect(await exchange(connection)).toMatchObject({ answer: 'ok' });
      restedAtMs = performance.now();
      connection.rest(restedAtMs);
    }
    await until(() => lost.includes(connection));
    expect(performance.now() - restedAtMs).toBeGreaterThanOrEqual(199);
    expect(connection.isOverdue(performance.now())).toBe(true);
  });

  it('is lost before the receiver ends it, where that says when', async () => {
    const hint = OK.replace('content', 'keep-alive: timeout=2\r\ncontent');
    const connection = connectionTo(await answering(OK, hint));
    for (let n = 0; n < 2; n += 1) {
      expect(await exchange(connection)).toMatchObject({ answer: 'ok' });
      connection.rest(performance.now());
    }
    const restedAtMs = performance.now();
    await until(() => lost.includes(connection));
    expect(performance.now() - restedAtMs).toBeLessThan(2_000);
  });

  it('says nothing after it was destroyed, be it while connecting', async () => {
    const receiver = await answering(OK);
    const told: Told[] = [];
    const connection = connectionTo(receiver);
    void exchange(connection).then((each) => told.push(each));
    connection.destroy();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(told).toEqual([]);
  });

  it('does not wait for a connect for ever', async () => {
    const guard = new AddressGuard({ allowHttp: true, resolver: () => new Promise(() => undefined) });
    const connect = guardedConnect(guard, { connectTimeoutMs: 20 });
    const connection = connectionTo(await answering(OK), connect, 'bot.example.com');
    expect(await exchange(connection)).toEqual({ code: 'CONNECT_TIMEOUT', repeatable: false });
  });

  describe('over TLS', () => {
    const secure = async (speak: (socket: tls.TLSSocket) => void): Promise<Receiver> =>
      Receiver.listen(
        tls.createServer({ key: fixture('receiver-key.pem'), cert: fixture('receiver-cert.pem') }, (socket) => {
          socket.on('error', () => undefined);
          speak(socket);
        }),
        'https',
      );
    const guard = new AddressGuard({
      allowCidrs: parseAllowCidrs('127.0.0.1'),
      resolver: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    });
    const trusting = (): Connect =>
      guardedConnect(guard, { connectTimeoutMs: 1_000, ca: fixture('receiver-cert.pem') });

    it('serves exchanges, offers HTTP/1.1 alone, and resumes its session for the same name', async () => {
      const seen: unknown[] = [];
      const receiver = await secure((socket) => {
        seen.push([Reflect.get(socket, 'servername'), socket.isSessionReused()]);
        socket.on('data', () => socket.write(OK));
      });
      const connect = trusting();
      for (let n = 0; n < 2; n += 1) {
        const connection = connectionTo(receiver, connect, 'receiver.example.com');
        for (let m = 0; m < 2; m += 1) expect(await exchange(connection)).toEqual({ answer: 'ok', reusable: true });
        connection.destroy();
        receivers.pop();
      }
      receivers.push(receiver);
      expect(seen).toEqual([
        ['receiver.example.com', false],
        ['receiver.example.com', true],
      ]);
    });

    it('checks the name, whatever the session cache holds', async () => {
      const receiver = await secure((socket) => socket.on('data', () => socket.write(OK)));
      const connect = trusting();
      expect(await exchange(connectionTo(receiver, connect, 'receiver.example.com'))).toMatchObject({ answer: 'ok' });
      expect(await exchange(connectionTo(receiver, connect, 'other.example.com'))).toMatchObject({
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
      receivers.splice(1);
    });

    it('reads large answers, and tells of their early end', async () => {
      const receiver = await secure((socket) => {
        let nth = 0;
        socket.on('data', () => {
          const answer = `HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n${'x'.repeat(90_000)}`;
          if (nth++ === 0) socket.write(answer);
          else socket.end(answer.slice(0, 50_000));
        });
      });
      const connection = connectionTo(receiver, trusting(), 'receiver.example.com');
      expect(await exchange(connection)).toEqual({ answer: 'x'.repeat(90_000), reusable: true });
      expect(await exchange(connection)).toEqual({ code: 'INVALID_RESPONSE', repeatable: false });
    });
  });
});
