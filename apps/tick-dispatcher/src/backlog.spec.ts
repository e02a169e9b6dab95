import type { AgentTick, TickWebhook } from '@tickwire/contracts';
import { testDatabase } from '@tickwire/testing';
import { AgentReceiver } from '../fixtures/agent-receiver.js';
import { DispatchBench, until } from '../fixtures/dispatch-bench.js';

const A = 'agt_aaaaaaaa';
const B = 'agt_bbbbbbbb';

/** What another dispatcher left behind: it may have sent any of these ticks, without having stored it. */
describe('a backlog', () => {
  let bench: DispatchBench;
  let receiver: AgentReceiver;

  beforeEach(async () => {
    bench = await DispatchBench.open(await testDatabase());
    receiver = await AgentReceiver.start();
    for (const id of [A, B]) await bench.agent(id, { callbackUrl: receiver.url });
  });
  afterEach(async () => {
    await receiver.stop();
    await bench.close();
  });

  const withResult = (agentId: string, tick: number): AgentTick => ({
    agentId,
    funds: [1, 0, 1, 1],
    actionResults: [{ id: `result_${tick}`, action: 'BUY', success: true }],
  });
  const sentTo = (id: string) =>
    receiver.received.filter(({ headers }) => headers['x-wallstreetsim-agent'] === id).map(({ tick }) => tick);

  it('is not sent again tick by tick: each agent gets the newest of its ticks, with the items of all', async () => {
    for (const tick of [1, 2, 3]) await bench.tick(tick, [withResult(A, tick), B]);
    await bench.tick(4, [withResult(A, 4)]);
    await bench.start();
    await bench.settled(A, 4);
    await bench.settled(B, 3);
    expect([sentTo(A), sentTo(B)]).toEqual([[4], [3]]);
    const { actionResults } = JSON.parse(receiver.received.find(({ tick }) => tick === 4)!.body) as TickWebhook;
    expect(actionResults.map(({ id }) => id)).toEqual(['result_1', 'result_2', 'result_3', 'result_4']);
    expect((await bench.deliveries(A)).map(({ tick, outcome, attempts }) => [tick, outcome, attempts])).toEqual([
      [1, 'superseded', 0],
      [2, 'superseded', 0],
      [3, 'superseded', 0],
      [4, 'delivered', 1],
    ]);
    await until(async () => (await bench.offset()) === 4);
    for (const tick of [5, 6]) {
      await bench.tick(tick, [A, B]);
      await bench.settled(A, tick);
      await bench.settled(B, tick);
    }
    expect([sentTo(A), sentTo(B)]).toEqual([
      [4, 5, 6],
      [3, 5, 6],
    ]);
  });

  it('may be longer than a batch', async () => {
    const ticks = Array.from({ length: 150 }, (_, i) => i + 1);
    await bench.log.append(ticks.map((tick) => bench.tickRecord(tick, [A])));
    await bench.start();
    await bench.settled(A, 150);
    expect(sentTo(A)).toEqual([150]);
    await until(async () => (await bench.offset()) === 150);
  });

  it('is taken anew by whoever comes while it is not done', async () => {
    await bench.tick(1, [A]);
    let refused = 0;
    bench.refuses = ({ topic }) => topic === 'agent.delivery' && (refused += 1) > 0;
    await bench.start({ CALLBACK_TIMEOUT_MS: '100' });
    await until(() => refused > 0); // sent, answered, and not on the log
    await bench.stop();
    await bench.tick(2, [A]);
    await bench.tick(3, [A]);
    bench.refuses = () => false;
    await bench.start();
    await bench.settled(A, 3);
    expect(sentTo(A)).toEqual([1, 3]);
  });
});
