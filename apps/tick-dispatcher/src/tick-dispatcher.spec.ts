import crypto from 'node:crypto';
import { agentDelivery, type AgentTick, type TickWebhook } from '@tickwire/contracts';
import { testDatabase } from '@tickwire/testing';
import { AgentReceiver, type Behaviour, type Reply } from '../fixtures/agent-receiver.js';
import { DispatchBench, until } from '../fixtures/dispatch-bench.js';

const A = 'agt_aaaaaaaa';
const B = 'agt_bbbbbbbb';

describe('the tick dispatcher', () => {
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
  const bodyOf = (text: string): TickWebhook => JSON.parse(text) as TickWebhook;

  describe('a callback', () => {
    it('carries the headers of the specification, a signature that its function accepts, and canonical JSON', async () => {
      const agent = await receiver();
      const secret = 'bm90IGRlY29kZWQ=';
      await bench.agent(A, { callbackUrl: agent.url, secret });
      await bench.start();
      const before = Date.now();
      await bench.tick(1042, [withItems(A, 1042)]);
      await bench.ended(A, 1);
      const { headers, body } = agent.received[0]!;
      expect((await bench.events(agentDelivery)).map(({ id, tenantid }) => [id, tenantid])).toEqual([
        [headers['x-wallstreetsim-delivery'], 'ten_1'],
      ]);
      expect(headers).toMatchObject({
        'content-type': 'application/json',
        'x-wallstreetsim-tick': '1042',
        'x-wallstreetsim-agent': A,
        'x-wallstreetsim-attempt': '1',
        'x-wallstreetsim-delivery': expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-/),
      });
      expect(verifySignature(body, headers['x-wallstreetsim-signature'] as string, secret)).toBe(true);
      expect(headers['x-wallstreetsim-signature-previous']).toBeUndefined();
      expect(JSON.stringify(JSON.parse(body))).toBe(body);
      const { tick, timestamp, portfolio, actionResults } = bodyOf(body);
      expect([tick, portfolio.agentId, actionResults.map(({ id }) => id)]).toEqual([1042, A, ['result_1042']]);
      expect(Date.parse(timestamp)).toBeGreaterThanOrEqual(before);
    });

    it('goes out without a signature where no secret is configured, and with both during a rotation', async () => {
      const agent = await receiver();
      await bench.agent(A, { callbackUrl: agent.url });
      await bench.agent(B, {
        callbackUrl: agent.url,
        secret: 'new',
        previousSecret: 'old',
        previousUntil: new Date(Date.now() + 60_000),
      });
      await bench.start();
      await bench.tick(1, [A, B]);
      await bench.ended(A, 1);
      await bench.ended(B, 1);
      const of = (id: string) => agent.received.filter(({ headers }) => headers['x-wallstreetsim-agent'] === id);
      const [unsigned] = of(A);
      expect(Object.keys(unsigned!.headers).filter((name) => name.includes('signature'))).toEqual([]);
      const [rotating] = of(B);
      expect(verifySignature(rotating!.body, rotating!.headers['x-wallstreetsim-signature'] as string, 'new')).toBe(
        true,
      );
      expect(
        verifySignature(rotating!.body, rotating!.headers['x-wallstreetsim-signature-previous'] as string, 'old'),
      ).toBe(true);
      bench.aheadMs = 61_000;
      await bench.tick(2, [B]);
      await bench.ended(B, 2);
      expect(of(B)[1]!.headers['x-wallstreetsim-signature-previous']).toBeUndefined();
    });

    it('stays below 100 kB with 100 companies and every list full, and what is cut comes with the next one', async () => {
      const agent = await agentThat(() => ({}));
      await bench.start();
      const messages = Array.from({ length: 100 }, (_, i) => ({
        id: `m${i}`,
        fromAgentId: B,
        toAgentId: A,
        content: 'x'.repeat(900),
        tick: 1,
        createdAt: '2026-11-22T08:00:00.000Z',
      }));
      const quote = {
        symbol: '',
        name: 'Some Company',
        sector: 'technology',
        price: 150.55,
        change: 1.05,
        changePercent: 0.701,
        volume: 10_000,
        high: 151.12,
        low: 149.01,
        marketCap: 2_500_000_000_000,
      };
      const market = {
        indices: [],
        watchlist: Array.from({ length: 100 }, (_, i) => ({ ...quote, symbol: `SYM${i}` })),
      };
      await bench.tick(1, [{ agentId: A, funds: [1, 0, 1, 1], messages }], { market });
      await bench.ended(A, 1);
      await bench.tick(2, [A], { market });
      await bench.ended(A, 2);
      const [first, second] = agent.received.map(({ body }) => body);
      expect(Buffer.byteLength(first!)).toBeLessThan(100_000);
      expect(bodyOf(first!).alerts.map(({ type }) => type)).toEqual(['payload_cut']);
      const ids = [first!, second!].map((body) => bodyOf(body).messages.map(({ id }) => id));
      expect(ids.flat()).toEqual(messages.map(({ id }) => id));
      expect(ids[1]!.length).toBeGreaterThan(0);
      expect((await bench.settled(A, 2)).carried).toEqual([]);
    });

    it('is composed once for all shards of a tick and still tells each agent its own', async () => {
      const agent = await receiver();
      await bench.agent(A, { callbackUrl: agent.url });
      await bench.agent(B, { callbackUrl: agent.url });
      await bench.start();
      await bench.log.append([bench.tickRecord(1, [A], { shard: 0 }), bench.tickRecord(1, [B], { shard: 5 })]);
      await bench.ended(A, 1);
      await bench.ended(B, 1);
      expect(agent.received.map(({ body }) => bodyOf(body).portfolio.agentId).sort()).toEqual([A, B]);
    });
  });

  describe('a newer tick', () => {
    it('supersedes the waiting one, whose items come with the next callback', async () => {
      let release: () => void = () => undefined;
      const held = new Promise<Reply>((resolve) => (release = () => resolve({})));
      const agent = await agentThat((_, nth) => (nth === 1 ? held : {}));
      await bench.start({ CALLBACK_TIMEOUT_MS: '10000' });
      await bench.tick(1, [withItems(A, 1)]);
      await until(() => agent.received.length === 1);
      for (const tick of [2, 3, 4]) await bench.tick(tick, [withItems(A, tick)]);
      await new Promise((resolve) => setTimeout(resolve, 300)); // for the lane to take them
      expect(await bench.dispatch(A)).toBeUndefined(); // nothing is settled past the one in flight
      release();
      // In the order of its ticks, although the superseded ones were given up first.
      const ends = await bench.ended(A, 4);
      expect(ends.map(({ tick, outcome, attempts }) => [tick, outcome, attempts])).toEqual([
        [1, 'delivered', 1],
        [2, 'superseded', 0],
        [3, 'superseded', 0],
        [4, 'delivered', 1],
      ]);
      expect(agent.ticks()).toEqual([1, 4]);
      const results = agent.received.map(({ body }) => bodyOf(body).actionResults.map(({ id }) => id));
      expect(results).toEqual([['result_1'], ['result_2', 'result_3', 'result_4']]);
      expect((await bench.settled(A, 4)).carried).toEqual([]);
    });

    it('ends the retries of a callback that has failed an attempt: one failure, and the newer one goes out', async () => {
      const agent = await agentThat(({ tick }) => (tick === 1 ? { status: 429, headers: { 'retry-after': '5' } } : {}));
      await bench.start();
      await bench.tick(1, [withItems(A, 1)]);
      await until(() => agent.received.length === 1);
      await bench.tick(2, [withItems(A, 2)]);
      const deliveries = await bench.ended(A, 2);
      expect(deliveries.map(({ tick, outcome, attempts }) => [tick, outcome, attempts])).toEqual([
        [1, 'failed', 1],
        [2, 'delivered', 1],
      ]);
      expect(bodyOf(agent.received[1]!.body).messages.map(({ id }) => id)).toEqual(['message_1', 'message_2']);
    });
  });

  describe('carried items', () => {
    it('come with every callback until a 2xx, none twice, and survive a restart', async () => {
      const agent = await agentThat(({ tick }) => (tick < 3 ? { status: 400 } : {}));
      await bench.start();
      await bench.tick(1, [withItems(A, 1)]);
      await bench.ended(A, 1);
      await bench.tick(2, [withItems(A, 2)]);
      await bench.settled(A, 2);
      await bench.restart();
      await bench.tick(3, [withItems(A, 3)]);
      await bench.settled(A, 3);
      await bench.tick(4, [withItems(A, 4)]);
      await bench.settled(A, 4);
      expect(agent.received.map(({ body }) => bodyOf(body).actionResults.map(({ id }) => id))).toEqual([
        ['result_1'],
        ['result_1', 'result_2'],
        ['result_1', 'result_2', 'result_3'],
        ['result_4'],
      ]);
    });

    it('wait in the inbox of an agent without a callback or that is not active, without a record each tick', async () => {
      const agent = await receiver();
      await bench.agent(A, {});
      await bench.agent(B, { callbackUrl: agent.url, status: 'suspended' });
      await bench.start();
      await bench.tick(1, [withItems(A, 1), withItems(B, 1)]);
      expect((await bench.settled(A, 1)).carried.map(({ item }) => item.id)).toEqual(['result_1', 'message_1']);
      expect((await bench.settled(B, 1)).carried).toHaveLength(2);
      await until(async () => (await bench.offset()) === 1);
      await bench.tick(2, [A, B]);
      await until(async () => (await bench.offset()) === 2);
      expect((await bench.dispatch(A))!.settledTick).toBe(1); // tick 2 had nothing to keep
      expect([agent.received.length, (await bench.deliveries(A)).length, (await bench.deliveries(B)).length]).toEqual([
        0, 0, 0,
      ]);
      await bench.pool.query(`UPDATE "agent" SET "callback_url" = $1, "status" = 'active'`, [agent.url]);
      await bench.tick(3, [A]);
      await bench.ended(A, 1);
      expect(bodyOf(agent.received[0]!.body).actionResults.map(({ id }) => id)).toEqual(['result_1']);
    });
  });

  describe('the breaker', () => {
    it('opens after five failed callbacks, skips without a request, probes, and closes after two successes, over restarts', async () => {
      const agent = await agentThat(({ tick }) => (tick <= 5 || tick === 8 ? { status: 400 } : {}));
      await bench.start();
      const tick = async (number: number) => {
        await bench.tick(number, [A]);
        return bench.settled(A, number);
      };
      for (const number of [1, 2, 3, 4]) await tick(number);
      await bench.restart();
      expect((await tick(5)).breaker).toMatchObject({ phase: 'open' });
      await tick(6);
      await bench.restart();
      await tick(7);
      expect(agent.ticks()).toEqual([1, 2, 3, 4, 5]);
      bench.aheadMs += 60_000;
      expect((await tick(8)).breaker).toMatchObject({ phase: 'open' }); // the probe failed
      bench.aheadMs += 60_000;
      expect((await tick(9)).breaker).toEqual({ phase: 'half_open', successes: 1, probeSentAtMs: null });
      await bench.restart();
      expect((await tick(10)).breaker).toEqual({ phase: 'closed', consecutiveFailures: 0 });
      expect(agent.ticks()).toEqual([1, 2, 3, 4, 5, 8, 9, 10]);
      const skipped = (await bench.deliveries(A)).filter(({ outcome }) => outcome === 'skipped');
      expect(
        skipped.map(({ tick: number, attempts, circuitBreakerSkipped }) => [number, attempts, circuitBreakerSkipped]),
      ).toEqual([
        [6, 0, true],
        [7, 0, true],
      ]);
    });

    it('carries the items of what it skips', async () => {
      const agent = await agentThat(() => ({}));
      await bench.pool.query(
        `INSERT INTO "agent_dispatch" ("agent_id", "world_id", "shard", "breaker") VALUES ($1, $2, 0, $3)`,
        [A, bench.worldId, JSON.stringify({ phase: 'open', openedAtMs: Date.now() })],
      );
      await bench.start();
      await bench.tick(1, [withItems(A, 1)]);
      expect((await bench.settled(A, 1)).carried).toHaveLength(2);
      bench.aheadMs = 60_000;
      await bench.tick(2, [A]);
      await bench.ended(A, 2);
      expect(bodyOf(agent.received[0]!.body).messages.map(({ id }) => id)).toEqual(['message_1']);
    });
  });

  describe('a restart', () => {
    it('does not send settled ticks again, and sends unsettled ones under the same delivery id', async () => {
      const agent = await agentThat(() => ({}));
      const other = await agentThat(() => ({}), B);
      await bench.start();
      await bench.tick(1, [A, B]);
      await bench.settled(A, 1);
      await bench.settled(B, 1);
      await bench.stop();
      await bench.forgetOffsets();
      await bench.pool.query(`DELETE FROM "agent_dispatch" WHERE "agent_id" = $1`, [B]);
      await bench.start();
      await bench.ended(B, 2);
      await until(async () => (await bench.offset()) === 1);
      expect([agent.ticks(), other.ticks()]).toEqual([[1], [1, 1]]);
      const ids = other.received.map(({ headers }) => headers['x-wallstreetsim-delivery']);
      expect(ids[0]).toBe(ids[1]);
    });

    it('repeats a callback whose answer or end the log has not acknowledged, and settles no offset before', async () => {
      const agent = await agentThat(() => ({ body: '{"actions":[{"type":"FLEE","payload":{}}]}' }));
      await bench.start({ CALLBACK_TIMEOUT_MS: '100' });
      let refusals = 0;
      bench.refuses = (record) => record.topic === 'agent.actions' && (refusals += 1) > 0;
      await bench.tick(1, [A]);
      await until(() => refusals === 3); // the answer is not acknowledged, so the end is not recorded either
      expect([agent.received.length, await bench.deliveries(A)]).toEqual([1, []]);
      await bench.stop();
      expect([await bench.deliveries(A), await bench.dispatch(A), await bench.offset()]).toEqual([[], undefined, 0]);
      bench.refuses = () => false;
      await bench.start();
      expect(await bench.ended(A, 1)).toEqual([expect.objectContaining({ outcome: 'delivered', actions: 1 })]);
      expect(await bench.actions(A)).toHaveLength(1);
      await until(async () => (await bench.offset()) === 1);
      expect(agent.received).toHaveLength(2);
    });

    it('waits for callbacks in flight, stores them, and leaves the waiting tick to the next process', async () => {
      let release: () => void = () => undefined;
      const held = new Promise<Reply>((resolve) => (release = () => resolve({})));
      const agent = await agentThat((_, nth) => (nth === 1 ? held : {}));
      await bench.start({ CALLBACK_TIMEOUT_MS: '10000' });
      await bench.tick(1, [A]);
      await until(() => agent.received.length === 1);
      await bench.tick(2, [A]);
      const stopped = bench.stop();
      release();
      await stopped;
      expect(await bench.dispatch(A)).toMatchObject({ settledTick: 1 });
      expect(await bench.offset()).toBe(1);
      await bench.start();
      await bench.ended(A, 2);
      expect(agent.ticks()).toEqual([1, 2]);
    });
  });

  describe('two dispatchers', () => {
    it('share the partitions: when one joins or leaves no tick is lost and each agent’s order is kept', async () => {
      const ids = Array.from({ length: 24 }, (_, i) => `agt_shared_${i}`);
      const agent = await receiver();
      for (const id of ids) await bench.agent(id, { callbackUrl: agent.url });
      await bench.start();
      let tick = 0;
      const closeTick = async () => {
        tick += 1;
        await bench.log.append(ids.map((id, shard) => bench.tickRecord(tick, [id], { shard })));
        await new Promise((resolve) => setTimeout(resolve, 50));
      };
      for (let i = 0; i < 5; i += 1) await closeTick();
      const stopSecond = await bench.startAnother();
      const halves = async () => (await bench.owners()).length === 2;
      await until(async () => (await closeTick(), await halves()));
      for (let i = 0; i < 5; i += 1) await closeTick();
      await stopSecond();
      await until(async () => (await closeTick(), (await bench.owners()).length === 1));
      for (const id of ids) await bench.settled(id, tick);
      const deliveries = (await bench.events(agentDelivery)).map(({ data }) => data);
      for (const id of ids) {
        const recorded = new Set(deliveries.filter(({ agentId }) => agentId === id).map((each) => each.tick));
        expect([...recorded].sort((a, b) => a - b)).toEqual(Array.from({ length: tick }, (_, i) => i + 1));
        const sent = agent.received
          .filter(({ headers }) => headers['x-wallstreetsim-agent'] === id)
          .map((each) => each.tick);
        expect(sent).toEqual([...sent].sort((a, b) => a - b));
      }
    });
  });

  describe('the log', () => {
    it('may hold a record twice: the callback goes out once', async () => {
      const agent = await agentThat(() => ({}));
      await bench.start();
      await bench.tick(1, [A]);
      await bench.tick(1, [A]);
      await until(async () => (await bench.offset()) === 2);
      expect([agent.ticks(), (await bench.deliveries(A)).length]).toEqual([[1], 1]);
    });

    it('may hold what is no tick, and agents nobody knows: the offset passes them', async () => {
      await agentThat(() => ({}));
      await bench.start();
      const record = bench.tickRecord(1, ['agt_unknown']);
      await bench.log.append([{ ...record, value: 'broken' }, record]);
      const letters = async () =>
        (await bench.log.bounds(['market.tick.dead'])).reduce((sum, { start, end }) => sum + end - start, 0);
      // A batch of its own: what was buried is done once the next batch is there.
      await until(async () => (await letters()) === 1);
      await bench.tick(2, [A]);
      await until(async () => (await bench.offset()) === 3);
      expect(await letters()).toBe(1);
    });

    it('may hold what breaks its contract inside: that costs one callback', async () => {
      await agentThat(() => ({}));
      const other = await agentThat(() => ({}), B);
      await bench.start();
      const broken = { agentId: A, funds: [1, 0, 1, 1], messages: 7 } as unknown as AgentTick;
      await bench.tick(1, [broken, B]);
      await bench.settled(A, 1);
      await bench.tick(2, [A, B]);
      await bench.settled(A, 2);
      await until(async () => (await bench.offset()) === 2);
      expect((await bench.deliveries(A)).map(({ tick, outcome }) => [tick, outcome])).toEqual([
        [1, 'failed'],
        [2, 'delivered'],
      ]);
      expect(other.received[0]!.tick).toBe(1);
    });

    it('gets answers and ends again until it acknowledges them', async () => {
      const agent = await agentThat(() => ({}));
      let refusals = 0;
      bench.refuses = (record) => record.topic === 'agent.delivery' && (refusals += 1) <= 2;
      await bench.start();
      await bench.tick(1, [A]);
      await bench.settled(A, 1);
      expect([agent.received.length, (await bench.deliveries(A)).length]).toEqual([1, 1]);
    });
  });

  it('lets agents that hang, stall, talk garbage or refuse cost nobody else anything', async () => {
    const bad = await Promise.all((['hang', 'stall', 'garbage', 'reset'] as const).map((way) => receiver(() => way)));
    const hangers = Array.from({ length: 24 }, (_, i) => `agt_bad_${i}`);
    for (const [i, id] of hangers.entries()) await bench.agent(id, { callbackUrl: bad[i % bad.length]!.url });
    const good = await agentThat(() => ({}));
    await bench.start({ CALLBACK_TIMEOUT_MS: '60000', MAX_IN_FLIGHT: '16', MAX_IN_FLIGHT_PER_ORIGIN: '4' });
    for (let tick = 1; tick <= 5; tick += 1) {
      await bench.tick(tick, [...hangers, A]);
      await until(() => good.received.length === tick);
    }
    expect((await bench.ended(A, 5)).map(({ outcome }) => outcome)).toEqual(Array(5).fill('delivered'));
    // Those that hang hold their own part and no more; the others' attempts end by themselves.
    // Six at each of two origins: four hold its places, and give these up to the others after a while without an answer.
    const hung = bad.slice(0, 2);
    await until(() => hung.every(({ received }) => received.length === 6));
    expect((await bench.metric('tickwire_tick_dispatcher_deliveries_total'))['delivered']).toBe(5);
  });
});

/** The function of the specification. */
function verifySignature(body: string, signature: string, secret: string): boolean {
  const expected = 'sha256=' + crypto.createHmac('sha256', secret).update(body).digest('hex');
  return crypto.timingSafeEqual(Buffer.from(signature), Buffer.from(expected));
}
