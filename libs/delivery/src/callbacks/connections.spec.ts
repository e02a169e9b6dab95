import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { AttemptOutcome } from './attempt-outcome.js';
import type { CallbackClient } from './callback-client.js';
import { Receiver, localClient } from '../../fixtures/receiver.js';

const OK = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';

describe('CallbackClient connections', () => {
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
  const post = (receiver: Receiver, signal?: AbortSignal): Promise<AttemptOutcome> =>
    client.post({ url: receiver.url, body: '{"tick":1}', signal });
  const status = async (outcome: Promise<AttemptOutcome>): Promise<number | string> => {
    const settled = await outcome;
    return settled.kind === 'response' ? settled.status : settled.reason;
  };
  /** Answers requests of each connection by their number on it, from 1. */
  const byNumber = (answer: (socket: Socket, nth: number, connection: number) => void): Promise<Receiver> =>
    started(
      Receiver.raw((socket, connection) => {
        let nth = 0;
        socket.on('data', () => answer(socket, ++nth, connection));
      }),
    );
  /** Answers nothing until told. */
  const holding = async (): Promise<[Receiver, ServerResponse[]]> => {
    const held: ServerResponse[] = [];
    return [await started(Receiver.http((_, response) => held.push(response))), held];
  };
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  };

  it('are reused, whatever the answers were', async () => {
    const statuses = [200, 204, 302, 404, 429, 500];
    const queue = [...statuses];
    const receiver = await started(
      Receiver.http((_, response) => {
        const next = queue.shift() ?? 200;
        response.writeHead(next).end(next === 204 ? undefined : 'x'.repeat(5_000));
      }),
    );
    for (const expected of statuses) expect(await status(post(receiver))).toBe(expected);
    expect(receiver.sockets).toHaveLength(1);
  });

  it('are at most as many as allowed, and serve everybody', async () => {
    client = localClient({ connectionsPerOrigin: 3 });
    const receiver = await started(Receiver.http((_, response) => response.end('ok')));
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => status(post(receiver))));
    expect(outcomes.every((outcome) => outcome === 200)).toBe(true);
    expect(receiver.sockets).toHaveLength(3);
  });

  it('serve the line in order and pass over those that gave up in it', async () => {
    client = localClient({ connectionsPerOrigin: 1 });
    const [receiver, held] = await holding();
    const gone = new AbortController();
    const first = status(post(receiver));
    const second = status(post(receiver, gone.signal));
    const third = status(post(receiver));
    await until(() => held.length === 1);
    gone.abort();
    expect(await second).toBe('aborted');
    held[0]?.end();
    expect(await first).toBe(200);
    await until(() => held.length === 2);
    held[1]?.end();
    expect(await third).toBe(200);
    expect([held.length, receiver.sockets.length]).toEqual([2, 1]);
  });

  it('that the receiver announces to close are replaced', async () => {
    const receiver = await started(Receiver.http((_, response) => response.setHeader('connection', 'close').end('ok')));
    for (let i = 0; i < 5; i += 1) expect(await status(post(receiver))).toBe(200);
    expect(receiver.sockets).toHaveLength(5);
  });

  it('that the receiver closes while idle are replaced', async () => {
    const receiver = await byNumber((socket) => socket.write(OK));
    expect(await status(post(receiver))).toBe(200);
    receiver.sockets[0]?.end();
    await receiver.closed(0);
    expect(await status(post(receiver))).toBe(200);
    expect(receiver.sockets).toHaveLength(2);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['resets', (socket) => socket.resetAndDestroy()],
    ['closes', (socket) => socket.end()],
  ])('are replaced within the call when the receiver %s one just as it is used again', async (_, hangUp) => {
    const receiver = await byNumber((socket, nth, connection) => {
      if (connection === 1 && nth === 2) hangUp(socket);
      else socket.write(OK);
    });
    expect(await status(post(receiver))).toBe(200);
    expect(await status(post(receiver))).toBe(200);
    expect(receiver.sockets).toHaveLength(2);
  });

  it('are replaced once, not for ever', async () => {
    const seen: string[] = [];
    const receiver = await byNumber((socket, nth, connection) => {
      seen.push(`${connection}.${nth}`);
      if (seen.length === 1) socket.write(OK);
      else socket.resetAndDestroy();
    });
    expect(await status(post(receiver))).toBe(200);
    expect(await status(post(receiver))).toBe('reset');
    expect(seen).toEqual(['1.1', '1.2', '2.1']);
  });

  it('that were replaced while somebody waited for them count as fresh', async () => {
    client = localClient({ connectionsPerOrigin: 1 });
    const receiver = await byNumber((socket, _, connection) => {
      if (connection === 1) socket.end(OK.replace('content', 'connection: close\r\ncontent'));
      else socket.resetAndDestroy();
    });
    expect(await Promise.all([status(post(receiver)), status(post(receiver))])).toEqual([200, 'reset']);
    expect(receiver.sockets).toHaveLength(2);
  });

  it('are not replaced once an answer has begun', async () => {
    const receiver = await byNumber((socket, nth) => {
      if (nth === 1) socket.write(OK);
      else socket.write('HTTP/1.1 2', () => socket.resetAndDestroy());
    });
    expect(await status(post(receiver))).toBe(200);
    expect(await status(post(receiver))).toBe('reset');
    expect(receiver.sockets).toHaveLength(1);
  });

  it('of others are untouched by one that hangs', async () => {
    const [hung] = await holding();
    const healthy = await started(Receiver.http((_, response) => response.end('ok')));
    const stuck = Array.from({ length: 50 }, () => post(hung));
    for (let i = 0; i < 20; i += 1) expect(await status(post(healthy))).toBe(200);
    expect(client.stats().inFlight).toBe(50);
    await client.destroy();
    expect(await Promise.all(stuck.map(status))).toEqual(Array(50).fill('aborted'));
  });

  it('are closed after a while without use', async () => {
    client = localClient({ keepAliveTimeoutMs: 30 });
    const receiver = await started(Receiver.http((_, response) => response.end('ok')));
    expect(await status(post(receiver))).toBe(200);
    await receiver.closed(0);
    await until(() => client.stats().origins === 0);
  });

  it('are closed where a receiver says that it is about to', async () => {
    const receiver = await byNumber((socket) =>
      socket.write('HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok'),
    );
    expect(await status(post(receiver))).toBe(200);
    await receiver.closed(0);
  });

  it('are not used past their age', async () => {
    client = localClient({ maxConnectionAgeMs: 0 });
    const receiver = await started(Receiver.http((_, response) => response.end('ok')));
    for (let i = 0; i < 3; i += 1) expect(await status(post(receiver))).toBe(200);
    expect(receiver.sockets).toHaveLength(3);
  });

  it('of the origin used least recently are closed when there are too many origins', async () => {
    client = localClient({ maxIdleOrigins: 2 });
    const [a, b, c] = await Promise.all(
      [1, 2, 3].map(() => started(Receiver.http((_, response) => response.end('ok')))),
    );
    for (const receiver of [a, b, a, c]) expect(await status(post(receiver as Receiver))).toBe(200);
    await b?.closed(0);
    expect(client.stats()).toMatchObject({ origins: 2, connections: 2 });
    expect(await status(post(a as Receiver))).toBe(200);
    expect(a?.sockets).toHaveLength(1);
  });

  it('of an origin that is closed go together, and no other origin with them', async () => {
    client = localClient({ maxIdleOrigins: 2 });
    const [wide, b, c] = await Promise.all(
      [1, 2, 3].map(() => started(Receiver.http((_, response) => response.end('ok')))),
    );
    await Promise.all([1, 2, 3, 4].map(() => post(wide as Receiver)));
    expect(client.stats()).toMatchObject({ origins: 1, connections: 4 });
    for (const receiver of [b, c]) expect(await status(post(receiver as Receiver))).toBe(200);
    expect(client.stats()).toMatchObject({ origins: 2, connections: 2 });
    expect(await status(post(b as Receiver))).toBe(200);
    expect(b?.sockets).toHaveLength(1);
  });

  it('at work are not closed for the sake of that bound', async () => {
    client = localClient({ maxIdleOrigins: 1 });
    const [busy, held] = await holding();
    const working = status(post(busy));
    await until(() => held.length === 1);
    const other = await started(Receiver.http((_, response) => response.end('ok')));
    expect(await status(post(other))).toBe(200);
    held[0]?.end();
    expect(await working).toBe(200);
  });

  it('are closed when the caller gives up', async () => {
    const [receiver, held] = await holding();
    const gone = new AbortController();
    const outcome = status(post(receiver, gone.signal));
    await until(() => held.length === 1);
    gone.abort();
    expect(await outcome).toBe('aborted');
    await receiver.closed(0);
    expect(await status(post(receiver, gone.signal))).toBe('aborted');
    expect(receiver.sockets).toHaveLength(1);
  });

  it('end after the requests in flight when the client closes', async () => {
    const [receiver, held] = await holding();
    const outcome = status(post(receiver));
    await until(() => held.length === 1);
    const closed = client.close();
    expect(await status(post(receiver))).toBe('aborted');
    held[0]?.end('ok');
    expect(await outcome).toBe(200);
    await closed;
    await receiver.closed(0);
    expect(client.stats()).toEqual({ origins: 0, connections: 0, inFlight: 0 });
  });

  it('survive a storm of good and bad answers without losing a slot', async () => {
    client = localClient({ connectionsPerOrigin: 4 });
    let count = 0;
    const receiver = await byNumber((socket) => {
      count += 1;
      if (count % 7 === 0) socket.resetAndDestroy();
      else if (count % 5 === 0) socket.write('garbage\r\n\r\n');
      else if (count % 3 === 0) socket.end(OK);
      else socket.write(OK);
    });
    const outcomes: (number | string)[] = [];
    const keepPosting = async (): Promise<void> => {
      for (let i = 0; i < 15; i += 1) {
        outcomes.push(await status(post(receiver)));
        expect(client.stats().connections).toBeLessThanOrEqual(4);
      }
    };
    await Promise.all(Array.from({ length: 20 }, keepPosting));
    expect(outcomes.filter((outcome) => ![200, 'reset', 'invalid_response'].includes(outcome))).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === 200).length).toBeGreaterThan(100);
    expect(client.stats().inFlight).toBe(0);
  });

  it('are ended by an answer too many, which is never taken for the next one', async () => {
    client = localClient({ connectionsPerOrigin: 1 });
    const receiver = await started(
      Receiver.raw((socket) =>
        socket.on('data', (request: Buffer) => {
          const path = /^POST (\S+)/.exec(request.toString())?.[1] ?? '';
          const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${path.length}\r\n\r\n${path}`;
          socket.write(path === '/forger' ? `${answer}${OK}` : answer);
        }),
      ),
    );
    const paths = ['/forger', '/honest', '/forger', '/forger', '/honest'];
    const outcomes = await Promise.all(
      paths.map((path) => client.post({ url: new URL(path, receiver.url).href, body: '' })),
    );
    expect(outcomes.map((outcome) => (outcome.kind === 'response' ? outcome.body.toString() : outcome.reason))).toEqual(
      paths,
    );
  });

  it('of very many origins at work are let go once these come to rest', async () => {
    client = localClient({ maxIdleOrigins: 2 });
    const many = await Promise.all(
      Array.from({ length: 6 }, () => started(Receiver.http((_, response) => response.end('ok')))),
    );
    expect(await Promise.all(many.map((receiver) => status(post(receiver))))).toEqual(Array(6).fill(200));
    expect(client.stats()).toEqual({ origins: 2, connections: 2, inFlight: 0 });
  });
});
