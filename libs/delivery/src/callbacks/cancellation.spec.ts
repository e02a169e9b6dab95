import type { AttemptOutcome } from './attempt-outcome.js';
import type { CallbackClient } from './callback-client.js';
import { Cancellation } from './cancellation.js';
import { Receiver, localClient } from '../../fixtures/receiver.js';

describe('Cancellation', () => {
  let client: CallbackClient;
  let receiver: Receiver;
  let held: number;
  beforeEach(async () => {
    held = 0;
    client = localClient();
    receiver = await Receiver.http((request, response) => {
      if (request.url?.startsWith('/held')) held += 1;
      else response.end('ok');
    });
  });
  afterEach(async () => {
    await client.destroy();
    await receiver.stop();
  });

  const post = (path: string, cancellation: Cancellation): Promise<AttemptOutcome> =>
    client.post({ url: new URL(path, receiver.url).href, body: '{}', cancellation });
  const untilHeld = async (count: number): Promise<void> => {
    while (held < count) await new Promise((resolve) => setTimeout(resolve, 2));
  };
  const aborted = { kind: 'failed', reason: 'aborted', detail: 'the caller gave up' };

  it('ends every attempt that has it, closes their connections, and touches no other', async () => {
    const cancellation = new Cancellation();
    const ended = [1, 2, 3].map(() => post('/held', cancellation));
    const other = post('/held', new Cancellation());
    await untilHeld(4);
    cancellation.cancel();
    expect(cancellation.cancelled).toBe(true);
    expect(client.stats()).toMatchObject({ inFlight: 1, connections: 1 });
    for (const outcome of ended) expect(await outcome).toMatchObject(aborted);
    await client.destroy();
    expect(await other).toMatchObject({ reason: 'aborted', detail: 'the client is closing' });
  });

  it('sends nothing once it was cancelled', async () => {
    const cancellation = new Cancellation();
    cancellation.cancel();
    expect(await post('/', cancellation)).toMatchObject(aborted);
    expect(receiver.sockets).toHaveLength(0);
  });

  it('ends an attempt that waits for a connection', async () => {
    await client.destroy();
    client = localClient({ connectionsPerOrigin: 1 });
    const working = post('/held', new Cancellation());
    const cancellation = new Cancellation();
    const waiting = post('/', cancellation);
    await untilHeld(1);
    cancellation.cancel();
    expect(await waiting).toMatchObject(aborted);
    expect(client.stats()).toMatchObject({ inFlight: 1, connections: 1 });
    await client.destroy();
    expect(await working).toMatchObject({ reason: 'aborted' });
  });

  it('keeps nothing of an attempt that has settled', () => {
    const cancellation = new Cancellation();
    const told: string[] = [];
    const attempts = ['a', 'b', 'c'].map((name) => ({ onCancelled: () => void told.push(name) }));
    for (const attempt of attempts) cancellation.attach(attempt);
    for (const attempt of attempts.slice(0, 2)) cancellation.detach(attempt);
    cancellation.cancel();
    expect(told).toEqual(['c']);
  });

  it('is let go of by its attempts, however they end', async () => {
    const cancellation = new Cancellation();
    const attached = new Set<unknown>();
    cancellation.attach = (attempt) => void attached.add(attempt);
    cancellation.detach = (attempt) => void attached.delete(attempt);
    const gone = await Receiver.raw(() => undefined);
    const { url } = gone;
    await gone.stop();
    const ended = [post('/', cancellation), client.post({ url, body: '', cancellation })];
    expect(attached.size).toBe(2);
    expect((await Promise.all(ended)).map(({ kind }) => kind)).toEqual(['response', 'failed']);
    expect(attached.size).toBe(0);
  });

  it('serves one attempt after another, and lets go of those that have settled', async () => {
    const cancellation = new Cancellation();
    for (let n = 0; n < 3; n += 1) expect(await post('/', cancellation)).toMatchObject({ status: 200 });
    const together = [post('/', cancellation), post('/held', cancellation), post('/', cancellation)];
    expect(await together[0]).toMatchObject({ status: 200 });
    expect(await together[2]).toMatchObject({ status: 200 });
    await untilHeld(1);
    cancellation.cancel();
    cancellation.cancel();
    expect(await together[1]).toMatchObject(aborted);
    expect(await together[0]).toMatchObject({ status: 200 });
  });

  it('goes together with a signal: whichever comes first', async () => {
    const url = new URL('/held', receiver.url).href;
    const cancellation = new Cancellation();
    const controller = new AbortController();
    const outcome = client.post({ url, body: '', cancellation, signal: controller.signal });
    controller.abort();
    cancellation.cancel();
    expect(await outcome).toMatchObject(aborted);
  });
});
