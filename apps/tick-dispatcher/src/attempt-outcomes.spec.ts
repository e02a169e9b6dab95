import net from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { AgentTick } from '@tickwire/contracts';
import { testDatabase } from '@tickwire/testing';
import { AgentReceiver, type Behaviour, type Reply } from '../fixtures/agent-receiver.js';
import { DispatchBench } from '../fixtures/dispatch-bench.js';

const A = 'agt_aaaaaaaa';
const B = 'agt_bbbbbbbb';

describe('the tick dispatcher: outcomes', () => {
  let bench: DispatchBench;
  const receivers: AgentReceiver[] = [];

  beforeEach(async () => {
    bench = await DispatchBench.open(await testDatabase());
  });

  afterEach(async () => {
    // First the receivers: a callback that hangs would hold up the dispatcher's orderly end.
    await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
    await bench.close();
  });

  const receiver = async (behaviour?: Behaviour): Promise<AgentReceiver> => {
    const started = await AgentReceiver.start(behaviour);
    receivers.push(started);
    return started;
  };
  const agentThat = async (behaviour: Behaviour, id = A): Promise<AgentReceiver> => {
    const agent = await receiver(behaviour);
    await bench.agent(id, { callbackUrl: agent.url });
    return agent;
  };
  const withItems = (agentId: string, tick: number): AgentTick => ({
    agentId,
    funds: [1, 0, 1, 1],
    actionResults: [{ id: `result_${tick}`, action: 'BUY', success: true }],
    messages: [{ id: `message_${tick}`, fromAgentId: B, toAgentId: agentId, content: 'hello', tick, createdAt: '' }],
  });

  describe('the outcome of an attempt', () => {
    const action = { type: 'BUY', payload: { symbol: 'NVLT', quantity: 1 } };
    const closedAfter = (failures: number) => ({ phase: 'closed', consecutiveFailures: failures });
    const oversized = 'x'.repeat(65_537);

    it('2xx with actions: delivered, and one agent.actions record', async () => {
      await agentThat(() => ({ status: 201, body: JSON.stringify({ actions: [action, 7] }) }));
      await bench.start();
      await bench.tick(5, [A]);
      const [delivery] = await bench.ended(A, 1);
      expect(delivery).toMatchObject({
        worldId: bench.worldId,
        tick: 5,
        outcome: 'delivered',
        attempts: 1,
        statusCode: 201,
        actions: 2,
      });
      expect(delivery!.error).toBeUndefined();
      expect(delivery!.responseTimeMs).toBeGreaterThan(0);
      expect(await bench.actions(A)).toEqual([
        expect.objectContaining({ tick: 5, channel: 'callback', actions: [action, 7] }),
      ]);
      expect((await bench.settled(A, 5)).breaker).toEqual(closedAfter(0));
    });

    it('2xx with more than 100 actions: the first hundred, and how many there were', async () => {
      await agentThat(() => ({ body: JSON.stringify({ actions: Array(130).fill(action) }) }));
      await bench.start();
      await bench.tick(1, [A]);
      expect(await bench.ended(A, 1)).toEqual([expect.objectContaining({ outcome: 'delivered', actions: 100 })]);
      const [answer] = await bench.actions(A);
      expect([answer!.actions.length, answer!.truncated]).toEqual([100, 130]);
    });

    const nested = `{"actions":[${'['.repeat(20_000)}${']'.repeat(20_000)}]}`;
    it.each<[string, Reply, string | undefined]>([
      ['204', { status: 204 }, 'HTTP 204 without a body'],
      ['an empty body', { body: '' }, 'HTTP 200 without a body'],
      ['no JSON', { body: '<html>secret</html>' }, 'HTTP 200, no valid JSON (UTF-8, at most 32 levels deep)'],
      [
        'bytes that are no text',
        { body: Buffer.from([0x22, 0xff, 0x22]) },
        'HTTP 200, no valid JSON (UTF-8, at most 32 levels deep)',
      ],
      ['JSON without actions', { body: '{"ok":true}' }, 'HTTP 200, no list of actions in the body'],
      ['null', { body: 'null' }, 'HTTP 200, no list of actions in the body'],
      [
        'nesting that would break its readers',
        { body: nested },
        'HTTP 200, no valid JSON (UTF-8, at most 32 levels deep)',
      ],
      ['an empty list', { body: '{"actions":[]}' }, undefined],
    ])('2xx with %s: delivered without actions, and not again', async (_, reply, error) => {
      const agent = await agentThat(() => reply);
      await bench.start();
      await bench.tick(1, [withItems(A, 1)]);
      const [delivery] = await bench.ended(A, 1);
      expect(delivery).toMatchObject({ outcome: 'delivered', attempts: 1, actions: 0 });
      expect(delivery!.error).toBe(error);
      expect(await bench.settled(A, 1)).toMatchObject({ carried: [], breaker: closedAfter(0) });
      expect(agent.received).toHaveLength(1);
      expect(await bench.actions(A)).toEqual([]);
    });

    it.each<[string, ReturnType<Behaviour>, string, number | undefined]>([
      ['429', { status: 429 }, 'HTTP 429', 429],
      ['503', { status: 503 }, 'HTTP 503', 503],
      ['a reset', 'reset', 'reset: ', undefined],
      ['garbage', 'garbage', 'invalid_response: ', undefined],
    ])(
      '%s: four attempts with the same bytes and delivery id, then one failure',
      async (_, reply, error, statusCode) => {
        const agent = await agentThat(() => reply);
        await bench.start();
        await bench.tick(1, [withItems(A, 1)]);
        const [delivery] = await bench.ended(A, 1);
        expect(delivery).toMatchObject({
          outcome: 'failed',
          attempts: 4,
          actions: 0,
          error: expect.stringContaining(error),
        });
        expect(delivery!.statusCode).toBe(statusCode);
        expect(agent.received.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
        expect(new Set(agent.received.map(({ body }) => body)).size).toBe(1);
        expect(new Set(agent.received.map(({ headers }) => headers['x-wallstreetsim-delivery'])).size).toBe(1);
        const row = await bench.settled(A, 1);
        expect(row.breaker).toEqual(closedAfter(1));
        expect(row.carried.map(({ item }) => item.id)).toEqual(['result_1', 'message_1']);
      },
    );

    it.each<[string, ReturnType<Behaviour>]>([
      ['no answer within the deadline', 'hang'],
      ['a body that stalls', 'stall'],
    ])('%s: every attempt has its own deadline', async (_, reply) => {
      const agent = await agentThat(({ attempt }) => (attempt < 3 ? reply : {}));
      await bench.start({ CALLBACK_TIMEOUT_MS: '200' });
      await bench.tick(1, [A]);
      expect(await bench.ended(A, 1)).toEqual([expect.objectContaining({ outcome: 'delivered', attempts: 3 })]);
      expect(agent.received).toHaveLength(3);
    });

    it('a refused connection: four attempts, one failure', async () => {
      const closed = net.createServer().listen(0, '127.0.0.1');
      await once(closed, 'listening');
      const { port } = closed.address() as AddressInfo;
      closed.close();
      await once(closed, 'close');
      await bench.agent(A, { callbackUrl: `http://127.0.0.1:${port}/` });
      await bench.start();
      await bench.tick(1, [A]);
      expect(await bench.ended(A, 1)).toEqual([
        expect.objectContaining({
          outcome: 'failed',
          attempts: 4,
          error: expect.stringContaining('connection_refused'),
        }),
      ]);
    });

    it.each<[string, Reply, string]>([
      ['404', { status: 404 }, 'HTTP 404'],
      ['a redirect', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'HTTP 302'],
      ['a body over 64 KiB', { body: oversized }, 'too_large'],
    ])('%s: one attempt, one failure', async (_, reply, error) => {
      const agent = await agentThat(() => reply);
      await bench.start();
      await bench.tick(1, [withItems(A, 1)]);
      expect(await bench.ended(A, 1)).toEqual([
        expect.objectContaining({ outcome: 'failed', attempts: 1, actions: 0, error: expect.stringContaining(error) }),
      ]);
      expect(agent.received).toHaveLength(1);
      const row = await bench.settled(A, 1);
      expect([row.breaker, row.carried.length]).toEqual([closedAfter(1), 2]);
    });

    it('a forbidden address: no packet, one failure', async () => {
      const agent = await agentThat(() => ({}));
      await bench.start({ CALLBACK_ALLOW_CIDRS: '' });
      await bench.tick(1, [A]);
      expect(await bench.ended(A, 1)).toEqual([
        expect.objectContaining({ outcome: 'failed', attempts: 1, error: expect.stringContaining('blocked_address') }),
      ]);
      expect(agent.received).toEqual([]);
    });

    it('a secret that cannot be opened: no request, since an unsigned one would be refused; the breaker is not the receiver’s to pay', async () => {
      const agent = await agentThat(() => ({}));
      await bench.pool.query(`UPDATE "agent" SET "sealed_webhook_secret" = 'sb1.k9.AAAA.BBBB'`);
      await bench.start();
      await bench.tick(1, [withItems(A, 1)]);
      expect(await bench.ended(A, 1)).toEqual([expect.objectContaining({ outcome: 'failed', attempts: 0 })]);
      const row = await bench.settled(A, 1);
      expect([row.breaker, row.carried.length, agent.received.length]).toEqual([closedAfter(0), 2, 0]);
    });
  });
});
