import fc from 'fast-check';
import { Scenario } from '../world/scenario.js';

const AGENTS = { ann: 'quant', bob: 'quant' } as const;

describe('answers', () => {
  it('gives every action one result in order, and lets no broken one harm the rest', () => {
    const scenario = new Scenario({}, AGENTS);
    const good = { type: 'BUY', symbol: scenario.symbol, quantity: 1 };
    const results = scenario.act('ann', null, good, { type: 'BUY' }, 'x', { type: 'RUMOR', symbol: 'X' }, good);
    expect(results.map(({ action, success, message }) => [action, success, message])).toEqual([
      ['UNKNOWN', false, 'INVALID_ACTION'],
      ['BUY', true, 'Order filled'],
      ['BUY', false, 'UNKNOWN_SYMBOL'],
      ['UNKNOWN', false, 'INVALID_ACTION'],
      ['RUMOR', false, 'UNSUPPORTED'],
      ['BUY', true, 'Order filled'],
    ]);
    expect(new Set(results.map(({ id }) => id)).size).toBe(6);
  });

  it('applies ten actions a tick over all answers, refuses the rest by name, and cuts an answer at a hundred', () => {
    const scenario = new Scenario({}, AGENTS);
    const buy = { type: 'BUY', symbol: scenario.symbol, quantity: 1 };
    scenario
      .send({ agentId: 'ann', tick: 1, channel: 'callback', actions: Array.from({ length: 4 }, () => buy) })
      .send({ agentId: 'ann', tick: 1, channel: 'api', actions: Array.from({ length: 250 }, () => buy) })
      .step();
    const { actionResults, portfolio } = scenario.agent('ann');
    expect(portfolio.positions).toMatchObject([{ shares: 10 }]);
    expect(actionResults).toHaveLength(104);
    expect(actionResults.filter(({ success }) => success)).toHaveLength(10);
    expect(actionResults[10]).toEqual({
      id: actionResults[10]?.id,
      action: 'BUY',
      success: false,
      message: 'LIMIT_EXCEEDED',
    });
    expect(actionResults.at(-1)).toMatchObject({ data: { detail: 'the answer held 250 actions and was cut at 100' } });
  });

  it('counts the first callback answer to a tick only, early or late', () => {
    const scenario = new Scenario({}, AGENTS);
    const buy = (quantity: number): unknown => ({ type: 'BUY', symbol: scenario.symbol, quantity });
    const answer = (tick: number, quantity: number): unknown =>
      scenario.send({ agentId: 'ann', tick, channel: 'callback', actions: [buy(quantity)] });
    answer(1, 1);
    answer(1, 10);
    scenario.step();
    answer(1, 100);
    answer(3, 1000); // a tick that has not been
    scenario.step();
    answer(3, 2);
    answer(2, 4); // late, but the first to its tick
    scenario.step();
    expect(scenario.agent('ann').portfolio.positions).toMatchObject([{ shares: 7 }]);
  });

  it('refuses answers older than what it remembers, so that an old one cannot act again', () => {
    const scenario = new Scenario({}, AGENTS);
    for (let tick = 1; tick <= 70; tick += 1) scenario.answer('ann').step();
    for (let tick = 1; tick <= 70; tick += 1) {
      scenario.send({ agentId: 'ann', tick, channel: 'callback', actions: [{ type: 'FLEE' }] });
    }
    scenario.step();
    expect(scenario.agent('ann').actionResults).toEqual([]);
  });

  it('applies an API answer once per client id, over the last 256', () => {
    const scenario = new Scenario({}, AGENTS);
    const send = (clientId: string): unknown =>
      scenario.send({ agentId: 'ann', tick: 0, channel: 'api', clientId, actions: [{ type: 'FLEE' }] });
    for (let index = 0; index < 256; index += 1) send(`c${index}`);
    send('c0');
    scenario.step();
    expect(scenario.agent('ann').actionResults).toHaveLength(256);
    send('c0');
    send('c256');
    send('c0');
    scenario.step();
    expect(scenario.agent('ann').actionResults).toHaveLength(2);
  });

  it('delivers a message into the recipient’s next tick, and tells the sender what is wrong', () => {
    const scenario = new Scenario({}, AGENTS);
    const message = (targetAgentId: string): unknown => ({
      type: 'MESSAGE',
      payload: { targetAgentId, content: 'hello' },
    });
    const results = scenario.act('ann', message('bob'), message('ann'), message('nobody'));
    expect(results.map(({ message: text }) => text)).toEqual(['Message sent', 'SELF_MESSAGE', 'UNKNOWN_AGENT']);
    expect(scenario.agent('bob').messages).toEqual([
      {
        id: results[0]?.data?.messageId,
        fromAgentId: 'ann',
        toAgentId: 'bob',
        content: 'hello',
        tick: 2,
        createdAtMs: 2000,
      },
    ]);
    expect(scenario.step().agents[1]?.messages).toEqual([]);
  });

  it('delivers at most a hundred messages a tick to one agent', () => {
    const senders = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`s${index}`, 'ceo' as const]));
    const scenario = new Scenario({}, { ...AGENTS, ...senders });
    const message = { type: 'MESSAGE', targetAgentId: 'ann', content: 'x' };
    for (const sender of Object.keys(senders)) scenario.answer(sender, ...Array.from({ length: 10 }, () => message));
    scenario.step();
    expect(scenario.agent('ann').messages).toHaveLength(100);
    expect(scenario.agent('s10').actionResults.every((result) => result.message === 'RECIPIENT_BUSY')).toBe(true);
  });

  it('ignores answers of agents it does not know', () => {
    const scenario = new Scenario({}, AGENTS);
    const twin = new Scenario({}, AGENTS);
    scenario.send({ agentId: 'ghost', tick: 1, channel: 'callback', actions: [{ type: 'FLEE' }] });
    expect(scenario.step()).toEqual(twin.step());
  });

  it('survives anything as an action, with one result for each', () => {
    const scenario = new Scenario({}, AGENTS);
    const totals = scenario.world.totals();
    const value = fc.oneof(
      fc.anything(),
      fc.constantFrom(null, 0, -3, 1e308, NaN, '', '__proto__', scenario.symbol, 5),
    );
    const action = fc.oneof(
      fc.anything(),
      fc.record(
        {
          type: fc.constantFrom('BUY', 'SELL', 'SHORT', 'COVER', 'CANCEL_ORDER', 'MESSAGE', 'BRIBE', 'constructor'),
          payload: fc.anything(),
          symbol: value,
          quantity: value,
          price: value,
          stopPrice: value,
          orderType: fc.oneof(value, fc.constantFrom('LIMIT', 'STOP', 'MARKET')),
          orderId: value,
          targetAgentId: value,
          content: value,
        },
        { requiredKeys: ['type'] },
      ),
    );
    fc.assert(
      fc.property(fc.array(action, { maxLength: 12 }), (actions) => {
        expect(scenario.act('ann', ...actions)).toHaveLength(actions.length);
        expect(scenario.agent('ann').portfolio.cashCents).toBeGreaterThanOrEqual(0);
        expect(scenario.world.totals()).toEqual(totals);
      }),
      { numRuns: 300 },
    );
  });
});
