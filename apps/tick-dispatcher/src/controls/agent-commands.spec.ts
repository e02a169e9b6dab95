import crypto from 'node:crypto';
import type { AgentTick, TickWebhook } from '@tickwire/contracts';
import { testDatabase } from '@tickwire/testing';
import { AgentReceiver, type Behaviour, type Received, type Reply } from '../../fixtures/agent-receiver.js';
import { DispatchBench, until } from '../../fixtures/dispatch-bench.js';

const A = 'agt_aaaaaaaa';
const RESULTS = 'tickwire_tick_dispatcher_commands_total';
const HOUR_MS = 3_600_000;

let bench: DispatchBench;
let receiver: AgentReceiver | undefined;

beforeEach(async () => {
  bench = await DispatchBench.open(await testDatabase());
});

afterEach(async () => {
  await receiver?.stop();
  receiver = undefined;
  await bench.close();
});

const agentThat = async (behaviour: Behaviour, row: object = {}): Promise<AgentReceiver> => {
  receiver = await AgentReceiver.start(behaviour);
  await bench.agent(A, { callbackUrl: receiver.url, ...row });
  return receiver;
};
const configure = (column: 'status' | 'settings', value: unknown) =>
  bench.pool.query(`UPDATE "agent" SET "${column}" = $1`, [value]);
const withItems = (tick: number): AgentTick => ({
  agentId: A,
  funds: [1, 0, 1, 1],
  actionResults: [{ id: `result_${tick}`, action: 'BUY', success: true }],
});
const resultsIn = ({ body }: Received) =>
  (JSON.parse(body) as TickWebhook).actionResults.map((each) => (each as { id: string }).id);
const isTest = ({ headers }: Received) => headers['x-wallstreetsim-test'] === 'true';
const commandsOf = async (count: number) => {
  await until(async () => (await bench.offset('agent.control')) >= count);
  return bench.metric(RESULTS);
};
const hmac = (body: string, secret: string) => crypto.createHmac('sha256', secret).update(body).digest('hex');
const openBreaker = (openedAtMs = Date.now()) =>
  bench.pool.query(
    `INSERT INTO "agent_dispatch" ("agent_id", "world_id", "shard", "settled_tick", "breaker") VALUES ($1, $2, 0, 0, $3)
     ON CONFLICT ("agent_id") DO UPDATE SET "breaker" = "agent_dispatch"."breaker" || EXCLUDED."breaker"`,
    [A, bench.worldId, JSON.stringify({ phase: 'open', openedAtMs })],
  );

describe('a breaker reset', () => {
  it('closes an open breaker: the next tick goes out, without a wait and without a probe', async () => {
    const agent = await agentThat(({ tick }) => (tick <= 5 ? { status: 400 } : {}));
    await bench.start();
    for (let tick = 1; tick <= 6; tick += 1) {
      await bench.tick(tick, [A]);
      await bench.settled(A, tick);
    }
    expect(agent.ticks()).toEqual([1, 2, 3, 4, 5]);
    await bench.command(A, 'reset-breaker');
    expect(await commandsOf(1)).toEqual({ 'reset-breaker,granted': 1 });
    expect((await bench.dispatch(A))!.breaker).toMatchObject({ phase: 'closed', consecutiveFailures: 0 });
    await bench.tick(7, [A]);
    expect((await bench.settled(A, 7)).breaker).toMatchObject({ phase: 'closed', consecutiveFailures: 0 });
    expect(agent.ticks()).toEqual([1, 2, 3, 4, 5, 7]);
  });

  it('is stored before its offset, for an agent that has had no tick as well, and holds over a restart', async () => {
    const agent = await agentThat(() => ({}));
    await openBreaker();
    await bench.start();
    await bench.command(A, 'reset-breaker');
    await commandsOf(1);
    await bench.restart();
    await bench.tick(1, [A]);
    expect(await bench.ended(A, 1)).toEqual([expect.objectContaining({ outcome: 'delivered' })]);
    expect(agent.ticks()).toEqual([1]);
    expect((await bench.settled(A, 1)).carried).toEqual([]);
  });

  it('that comes again, after a crash between its row and its offset, is granted once', async () => {
    await agentThat(() => ({}));
    await openBreaker();
    await bench.start();
    const record = await bench.command(A, 'reset-breaker');
    await commandsOf(1);
    await bench.stop();
    await bench.forgetOffsets();
    await openBreaker(); // it has opened anew meanwhile: the old wish is not about that
    await bench.start();
    expect(await commandsOf(1)).toEqual({ 'reset-breaker,repeated': 1 });
    await bench.log.append([record]);
    expect(await commandsOf(2)).toEqual({ 'reset-breaker,repeated': 2 });
    expect((await bench.dispatch(A))!.breaker).toMatchObject({ phase: 'open' });
  });

  it('is granted six times an hour, over restarts; more are ignored', async () => {
    await agentThat(() => ({}));
    await openBreaker();
    await bench.start();
    const resetAfterOpening = async (count: number) => {
      await bench.stop();
      await openBreaker();
      await bench.start();
      await bench.command(A, 'reset-breaker');
      return commandsOf(count);
    };
    for (let count = 1; count <= 6; count += 1) {
      expect(await resetAfterOpening(count)).toEqual({ 'reset-breaker,granted': 1 });
    }
    expect(await resetAfterOpening(7)).toEqual({ 'reset-breaker,refused': 1 });
    expect((await bench.dispatch(A))!.breaker).toMatchObject({ phase: 'open' });
    bench.aheadMs = HOUR_MS;
    expect(await resetAfterOpening(8)).toEqual({ 'reset-breaker,granted': 1 });
  });

  it('of a breaker that nothing has failed on costs none of them', async () => {
    await agentThat(() => ({}));
    await bench.start();
    for (let count = 1; count <= 7; count += 1) await bench.command(A, 'reset-breaker');
    expect(await commandsOf(7)).toEqual({ 'reset-breaker,needless': 7 });
  });
});

describe('a test tick', () => {
  it('is the newest tick, signed and marked, under an id of its own, outside counters, breaker and settlement', async () => {
    const agent = await agentThat(
      (received) => (isTest(received) ? { body: '{"actions":[{"type":"FLEE","payload":{}}]}' } : {}),
      { secret: 'a secret' },
    );
    await bench.start();
    await bench.tick(1, [withItems(1)]);
    await bench.tick(2, [withItems(2)]);
    const before = await bench.settled(A, 2);
    const deliveries = await bench.deliveries(A);
    await bench.command(A, 'test-tick');
    expect(await commandsOf(1)).toEqual({ 'test-tick,delivered': 1 });
    const ordinary = agent.received.find(({ tick }) => tick === 2)!;
    const test = agent.received.find(isTest)!;
    expect(isTest(ordinary)).toBe(false);
    expect(test.headers).toMatchObject({
      'x-wallstreetsim-tick': '2',
      'x-wallstreetsim-agent': A,
      'x-wallstreetsim-attempt': '1',
      'x-wallstreetsim-signature': `sha256=${hmac(test.body, 'a secret')}`,
    });
    expect(test.headers['x-wallstreetsim-delivery']).not.toBe(ordinary.headers['x-wallstreetsim-delivery']);
    expect(JSON.stringify(JSON.parse(test.body))).toBe(test.body);
    expect(resultsIn(test)).toEqual(['result_2']);
    expect([await bench.deliveries(A), await bench.dispatch(A), await bench.actions(A)]).toEqual([
      deliveries,
      before,
      [],
    ]);
  });

  it('that fails is tried once and changes neither breaker nor what is carried', async () => {
    const agent = await agentThat((received) => ({ status: isTest(received) ? 500 : 400 }));
    await bench.start();
    for (const tick of [1, 2, 3, 4]) {
      await bench.tick(tick, [withItems(tick)]);
      await bench.settled(A, tick);
    }
    const before = await bench.dispatch(A);
    expect(before!.breaker).toEqual({ phase: 'closed', consecutiveFailures: 4 });
    for (const count of [1, 2]) {
      await bench.command(A, 'test-tick');
      expect((await commandsOf(count))['test-tick,failed']).toBe(count);
    }
    expect(agent.received.filter(isTest)).toHaveLength(2);
    expect(await bench.dispatch(A)).toEqual(before);
  });

  it('goes out while the breaker is open, and after a restart with the newest tick of the log', async () => {
    const agent = await agentThat((received) => (isTest(received) ? {} : { status: 400 }));
    await bench.start();
    for (let tick = 1; tick <= 6; tick += 1) {
      await bench.tick(tick, [withItems(tick)]);
      await bench.settled(A, tick);
    }
    await bench.tick(7, ['agt_elsewhere']);
    await bench.command(A, 'test-tick');
    await commandsOf(1);
    await bench.restart();
    await bench.command(A, 'test-tick');
    expect(await commandsOf(2)).toEqual({ 'test-tick,delivered': 1 });
    const tests = agent.received.filter(isTest);
    expect(tests.map(({ tick }) => tick)).toEqual([6, 6]);
    expect(tests.map(resultsIn)).toEqual([['result_6'], ['result_6']]);
    expect((await bench.dispatch(A))!.breaker).toMatchObject({ phase: 'open' });
  });

  it('keeps the order: it waits for the callback in flight, and a tick waits for it no longer than its time limit', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<Reply>((resolve) => (release = () => resolve({})));
    const agent = await agentThat((received, nth) => (nth === 1 ? held : isTest(received) ? 'hang' : {}) as Reply);
    await bench.start({ CALLBACK_TIMEOUT_MS: '2000' });
    await bench.tick(1, [A]);
    await until(() => agent.received.length === 1);
    await bench.command(A, 'test-tick');
    await bench.command(A, 'reset-breaker'); // needless: told as soon as the lane has taken it, and the test before
    await until(async () => (await bench.metric(RESULTS))['reset-breaker,needless'] === 1);
    await bench.tick(2, [A]);
    expect(agent.received).toHaveLength(1);
    release();
    await bench.ended(A, 2);
    expect(agent.received.map((each) => [each.tick, isTest(each)])).toEqual([
      [1, false],
      [expect.any(Number), true],
      [2, false],
    ]);
    expect(await commandsOf(2)).toMatchObject({ 'test-tick,failed': 1 });
  });

  it('that another dispatcher takes over goes out again, under its id', async () => {
    const seen = new Set<unknown>();
    const first = (id: unknown) => !seen.has(id) && !!seen.add(id);
    const agent = await agentThat(
      ({ headers }) =>
        (headers['x-wallstreetsim-test'] && first(headers['x-wallstreetsim-agent']) ? 'hang' : {}) as Reply,
    );
    const ids = Array.from({ length: 12 }, (_, i) => `agt_moved_${i}`);
    for (const id of ids) await bench.agent(id, { callbackUrl: agent.url });
    await bench.start({ CALLBACK_TIMEOUT_MS: '60000' });
    await bench.log.append(ids.map((id, shard) => bench.tickRecord(1, [id], { shard })));
    for (const id of ids) await bench.settled(id, 1);
    for (const [shard, id] of ids.entries()) await bench.command(id, 'test-tick', { shard });
    const tests = () => agent.received.filter(isTest);
    await until(() => tests().length === ids.length);
    // Half of the partitions go over: there a request in flight ends as if it had never begun.
    const stopAnother = await bench.startAnother();
    await until(() => tests().length > ids.length);
    const pairs = tests().map(({ headers }) => [headers['x-wallstreetsim-agent'], headers['x-wallstreetsim-delivery']]);
    expect(new Set(pairs.map(String)).size).toBe(ids.length);
    await receiver!.stop();
    receiver = undefined;
    await stopAnother();
  });

  it('is dropped when it is old, or has nowhere to go', async () => {
    const agent = await agentThat(() => ({}));
    await bench.agent('agt_inbox', {});
    await bench.agent('agt_suspended', { callbackUrl: agent.url, status: 'suspended' });
    await bench.agent('agt_new', { callbackUrl: agent.url });
    await bench.start();
    await bench.tick(1, [A, 'agt_inbox', 'agt_suspended']);
    await bench.settled(A, 1);
    await bench.command(A, 'test-tick', { requestedAt: new Date(Date.now() - 61_000).toISOString() });
    for (const id of ['agt_inbox', 'agt_suspended', 'agt_new', 'agt_nobody']) await bench.command(id, 'test-tick');
    expect(await commandsOf(5)).toEqual({ 'test-tick,dropped': 4 });
    expect(agent.received.filter(isTest)).toEqual([]);
  });
});

describe('compatibility headers', () => {
  it('are sent where they are chosen, over the same bytes with the same secret', async () => {
    const agent = await agentThat(() => ({}), {
      secret: 'new',
      previousSecret: 'old',
      previousUntil: new Date(Date.now() + 60_000),
      settings: { compatibilityHeaders: true },
    });
    await bench.start();
    await bench.tick(1, [A]);
    await bench.settled(A, 1);
    const [{ headers, body }] = agent.received as [Received];
    expect(headers).toMatchObject({
      'x-wallstreetsim-signature': `sha256=${hmac(body, 'new')}`,
      'x-wallstreetsim-signature-previous': `sha256=${hmac(body, 'old')}`,
      'x-webhook-signature': `sha256=${hmac(body, 'new')}`,
      'x-wss-signature': hmac(body, 'new'),
    });
    await configure('settings', {});
    await bench.tick(2, [A]);
    await bench.settled(A, 2);
    const names = Object.keys(agent.received[1]!.headers).filter((name) => /webhook|wss/.test(name));
    expect(names).toEqual([]);
  });
});

describe('a paused agent', () => {
  it('gets no ticks, each recorded as skipped; active again, it gets what was carried', async () => {
    const agent = await agentThat(() => ({}));
    await bench.start();
    await bench.tick(1, [withItems(1)]);
    await bench.settled(A, 1);
    await configure('status', 'paused');
    for (const tick of [2, 3]) {
      await bench.tick(tick, [withItems(tick)]);
      await bench.settled(A, tick);
    }
    await bench.restart();
    await bench.command(A, 'test-tick');
    await commandsOf(1); // it may be tried while it is paused
    await configure('status', 'active');
    await bench.tick(4, [withItems(4)]);
    const ends = await bench.ended(A, 4);
    expect(ends.map((end) => [end.tick, end.outcome, end.attempts, end.circuitBreakerSkipped])).toEqual([
      [1, 'delivered', 1, undefined],
      [2, 'skipped', 0, undefined],
      [3, 'skipped', 0, undefined],
      [4, 'delivered', 1, undefined],
    ]);
    expect(agent.received.filter((each) => !isTest(each)).map(resultsIn)).toEqual([
      ['result_1'],
      ['result_2', 'result_3', 'result_4'],
    ]);
    expect((await bench.settled(A, 4)).breaker).toEqual({ phase: 'closed', consecutiveFailures: 0 });
  });
});
