import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { formatWebhookSecret, parseWebhookSecret, verifyStandardWebhook } from '@tickwire/signing';
import type { Senders } from '../../load/signed-signals.js';
import { prepareDoorLoad, type DoorLoadPlan } from './door-load.js';

const senders: Senders = {
  tenantId: 'ten_1',
  accountIds: ['acc_1', 'acc_2'],
  symbol: 'NVLT',
  signingSecret: formatWebhookSecret(Buffer.alloc(32, 7)),
};
/** Ids of the requests that came, in order; undefined for one that was not signed for this door. */
let received: (string | undefined)[];
let ports: Set<number | undefined>;
let statusOf: (index: number) => number;
let server: Server;
let url: string;

beforeEach(async () => {
  received = [];
  ports = new Set();
  statusOf = () => 202;
  server = createServer((request, response) => {
    void verifiedId(request).then((id) => {
      received.push(id);
      ports.add(request.socket.remotePort);
      const status = statusOf(received.length - 1);
      if (status === 0) request.socket.destroy();
      else response.writeHead(status, { 'content-length': 2 }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

async function verifiedId(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const { headers } = request;
  const id = headers['webhook-id'] as string;
  const verdict = verifyStandardWebhook({
    id,
    timestamp: headers['webhook-timestamp'] as string,
    signature: headers['webhook-signature'] as string,
    body: Buffer.concat(chunks),
    keys: [parseWebhookSecret(senders.signingSecret)],
    nowMs: Date.now(),
    toleranceMs: 300_000,
  });
  return verdict.ok ? id : undefined;
}

const plan = (facts: Partial<DoorLoadPlan>): DoorLoadPlan => ({
  run: 'r1',
  url,
  senders,
  connections: 2,
  stretches: [{ seconds: 0.05, ratePerSecond: 400 }],
  repeating: false,
  ...facts,
});

it('sends each signal of an open loop once, signed, and counts what was accepted and what was refused', async () => {
  statusOf = (index) => (index % 4 === 0 ? 429 : 202);
  const load = await prepareDoorLoad(plan({}));
  const result = await load.run();
  await load.close();
  expect(result).toMatchObject({ accepted: 15, refused: { 429: 5 } });
  expect(result.latenciesMs).toHaveLength(15);
  expect(received.toSorted()).toEqual(Array.from({ length: 20 }, (_, index) => `r1:${index}`).toSorted());
});

it('goes on with new signals in the next stretch', async () => {
  const load = await prepareDoorLoad(
    plan({
      stretches: [
        { seconds: 0.01, ratePerSecond: 300 },
        { seconds: 0.01, ratePerSecond: 200 },
      ],
    }),
  );
  await load.run();
  await load.run();
  await load.close();
  expect(received.toSorted()).toEqual(['r1:0', 'r1:1', 'r1:2', 'r1:3', 'r1:4']);
});

it('sends as fast as the answers come where there is no rate, and never a signal twice', async () => {
  const load = await prepareDoorLoad(plan({ stretches: [{ seconds: 0.05 }] }));
  const { accepted } = await load.run();
  await load.close();
  expect(accepted).toBe(received.length);
  expect(accepted).toBeGreaterThan(2);
  expect(new Set(received).size).toBe(received.length);
  expect(received).not.toContain(undefined);
});

it('keeps every connection in use, so that the door has no reason to end one', async () => {
  const load = await prepareDoorLoad(plan({ connections: 5 }));
  await load.run();
  await load.close();
  expect(ports.size).toBe(5);
});

it('fails when the door closes a connection without an answer', async () => {
  statusOf = () => 0;
  const load = await prepareDoorLoad(plan({}));
  await expect(load.run()).rejects.toThrow(/closed a connection|ECONNRESET/);
  await load.close();
});
