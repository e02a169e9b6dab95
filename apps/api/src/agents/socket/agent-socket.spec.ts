import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../../../fixtures/running-api.js';
import { AgentSocket } from './agent-socket.js';
import { CLOSE } from './close-codes.js';
import { SocketMetrics } from './socket-metrics.js';

const MOST_BUFFERED = 65_536;
const AGENT = { agentId: 'agt_1', worldId: 'wld_1', shard: 0, keyId: 'key_1' };

let server: WebSocketServer;
let registry: Registry;
let client: WebSocket;
beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', autoPong: false, perMessageDeflate: false });
  registry = new Registry();
  await once(server, 'listening');
});
afterEach(async () => {
  // A paused one does not notice that the other end is gone.
  client.terminate();
  for (const each of server.clients) each.terminate();
  await new Promise((resolve) => server.close(resolve));
});

/** Both ends of one connection, over loopback. */
async function pair(options: { autoPong?: boolean } = {}) {
  client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options);
  const frames: { type: string; n?: number; missed?: number }[] = [];
  client.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as (typeof frames)[number]));
  const ended = new Promise<number>((resolve) => client.once('close', resolve));
  const [raw] = (await once(server, 'connection')) as [WebSocket];
  if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
  const socket = new AgentSocket(AGENT, raw, MOST_BUFFERED, new SocketMetrics(registry));
  return { frames, ended, raw, socket };
}

const framesOf = async (fate: string) =>
  Object.fromEntries(
    (await registry.getSingleMetric('tickwire_api_agent_socket_frames_total')!.get()).values
      .filter(({ labels }) => labels['fate'] === fate)
      .map(({ labels, value }) => [labels['type'], value]),
  );
const tick = (n: number, bytes: number): Buffer =>
  Buffer.from(JSON.stringify({ type: 'tick', n, filling: '.'.repeat(bytes) }));
const TICK_BYTES = 90_000;
/** More than loopback's own buffers take in. */
const TICKS = 400;

describe('a slow reader', () => {
  it('loses frames and is told how many, in their place, while only one backlog is kept', async () => {
    const { frames, raw, socket } = await pair();
    client.pause();
    let most = 0;
    for (let n = 0; n < TICKS; n += 1) {
      socket.send('tick', tick(n, TICK_BYTES));
      most = Math.max(most, raw.bufferedAmount);
      // The kernel takes what it can.
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(raw.bufferedAmount).toBeGreaterThan(MOST_BUFFERED);
    expect(most).toBeLessThan(MOST_BUFFERED + TICK_BYTES + 1_000);

    client.resume();
    // Nothing more is sent: what is missing is told when there is room.
    await until(() => frames.some(({ type }) => type === 'lagged'));
    const lagged = frames.findIndex(({ type }) => type === 'lagged');
    const { missed } = frames[lagged]!;
    expect(frames.slice(0, lagged).map(({ n }) => n)).toEqual(Array.from({ length: lagged }, (_, n) => n));
    expect(lagged + missed!).toBe(TICKS);
    expect([await framesOf('dropped'), await framesOf('sent')]).toEqual([
      { tick: missed },
      { tick: lagged, lagged: 1 },
    ]);

    socket.send('tick', tick(TICKS, 1));
    await until(() => frames.length === lagged + 2);
    expect(frames.at(-1)).toMatchObject({ type: 'tick', n: TICKS });
  });

  it('is cut off when it pings and never reads the answers', async () => {
    const { raw, socket } = await pair();
    client.pause();
    for (let n = 0; !socket.over && raw.bufferedAmount <= MOST_BUFFERED; n += 1) {
      socket.send('tick', tick(n, TICK_BYTES));
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    client.ping('x');
    await until(() => socket.over);
    expect(raw.readyState).toBe(WebSocket.CLOSED);
  });
});

describe('the heartbeat', () => {
  it('keeps who answers', async () => {
    const { raw, socket } = await pair();
    for (let n = 0; n < 3; n += 1) {
      const answer = once(raw, 'pong');
      socket.beat();
      await answer;
    }
    expect(client.readyState).toBe(WebSocket.OPEN);
  });

  it('cuts off who has left one ping without an answer', async () => {
    const { ended, socket } = await pair({ autoPong: false });
    const asked = once(client, 'ping');
    socket.beat();
    await asked;
    expect(socket.over).toBe(false);
    socket.beat();
    expect(await ended).toBe(1006);
    expect(socket.over).toBe(true);
  });

  it('of the client is answered', async () => {
    await pair();
    const answer = once(client, 'pong');
    client.ping('mark');
    expect(String((await answer)[0])).toBe('mark');
  });
});

it('ends when it is spoken to, and says where actions go', async () => {
  const { socket } = await pair();
  const ended = once(client, 'close');
  client.send('{"type":"BUY"}');
  const [code, reason] = (await ended) as [number, Buffer];
  expect([code, String(reason)]).toEqual([1008, expect.stringContaining('POST /api/v1/agents/{id}/actions')]);
  expect(socket.over).toBe(true);
});

it('writes what was sent before the end, and nothing behind it', async () => {
  const { frames, ended, socket } = await pair();
  socket.send('tick', tick(1, 1));
  socket.close(CLOSE.stopping);
  socket.send('tick', tick(2, 1));
  expect(await ended).toBe(1001);
  expect(frames.map(({ n }) => n)).toEqual([1]);
});
