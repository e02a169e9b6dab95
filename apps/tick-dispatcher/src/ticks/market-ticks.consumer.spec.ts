import { marketTick } from '@tickwire/contracts';
import { testDatabase } from '@tickwire/testing';
import { AgentReceiver } from '../../fixtures/agent-receiver.js';
import { DispatchBench } from '../../fixtures/dispatch-bench.js';

const AGENT = 'agt_away';

describe('a dispatcher that was down for longer than ticks are kept', () => {
  let bench: DispatchBench;
  let agent: AgentReceiver;

  beforeEach(async () => {
    bench = await DispatchBench.open(await testDatabase());
    agent = await AgentReceiver.start();
    await bench.agent(AGENT, { callbackUrl: agent.url });
  });
  afterEach(async () => {
    await agent.stop();
    await bench.close();
  });

  /** As retention would: the oldest `count` ticks that are kept are gone. */
  const expire = async (count: number): Promise<void> => {
    const { start, partition } = (await bench.log.bounds([marketTick.topic])).find(({ end }) => end > 0)!;
    const place = [marketTick.topic, partition, start + count];
    await bench.pool.query(`UPDATE "log_partition" SET "start" = $3 WHERE "topic" = $1 AND "partition" = $2`, place);
    await bench.pool.query(`DELETE FROM "log_record" WHERE "topic" = $1 AND "partition" = $2 AND "offset" < $3`, place);
  };

  it('goes on by itself with what is kept, and its agents hear of the newest ticks', async () => {
    await bench.start();
    await bench.tick(1, [AGENT]);
    await bench.settled(AGENT, 1);
    await bench.stop();
    for (const tick of [2, 3, 4, 5]) await bench.tick(tick, [AGENT]);
    await expire(4);

    await bench.start();
    await bench.settled(AGENT, 5);
    await bench.tick(6, [AGENT]);
    await bench.settled(AGENT, 6);
    expect(agent.ticks()).toEqual([1, 5, 6]);
    await bench.stop();
    expect(await bench.offset()).toBe(6);
  });

  it('begins again at the log’s start when nothing of what it missed is left', async () => {
    await bench.start();
    await bench.tick(1, [AGENT]);
    await bench.settled(AGENT, 1);
    await bench.stop();
    for (const tick of [2, 3]) await bench.tick(tick, [AGENT]);
    await expire(3);

    await bench.start();
    await bench.tick(4, [AGENT]);
    await bench.settled(AGENT, 4);
    expect(agent.ticks()).toEqual([1, 4]);
  });
});
