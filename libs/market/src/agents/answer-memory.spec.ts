import fc from 'fast-check';
import { Scenario } from '../world/scenario.js';
import { restoreWorld } from '../world/world.js';
import { AnswerMemory } from './answer-memory.js';
import { StateHash } from '../world/state-hash.js';

const REMEMBERED = 256;

/** The rule itself: an id is new unless it is among the last 256 that were. */
class PlainMemory {
  private accepted: string[] = [];

  first(clientId: string): boolean {
    if (this.accepted.includes(clientId)) return false;
    this.accepted = [...this.accepted, clientId].slice(-REMEMBERED);
    return true;
  }
}

const hashOf = (memory: AnswerMemory): unknown => {
  const hash = new StateHash();
  memory.mixInto(hash);
  return hash.finish();
};

/** Through the text that snapshots are stored as. */
const stored = (memory: AnswerMemory): AnswerMemory =>
  AnswerMemory.restore(JSON.parse(JSON.stringify(memory.snapshot())) as ReturnType<AnswerMemory['snapshot']>);

describe('the memory of client ids', () => {
  // Few enough names to come again while they are remembered, enough to be forgotten too.
  const clientIds = fc.array(
    fc.oneof(
      fc.integer({ min: 0, max: 300 }).map((n) => `c${n}`),
      fc.constantFrom('__proto__', 'constructor', 'c:1', 'C1', 'c'.repeat(64)),
    ),
    { minLength: 200, maxLength: 900, size: 'max' },
  );

  it('knows the last 256, whatever is sent, and across a snapshot at any point', () => {
    fc.assert(
      fc.property(clientIds, fc.nat(900), (sent, snapshotAfter) => {
        const plain = new PlainMemory();
        const unbroken = new AnswerMemory();
        let memory = new AnswerMemory();
        for (const [index, clientId] of sent.entries()) {
          if (index === snapshotAfter) memory = stored(memory);
          const expected = plain.first(clientId);
          expect([memory.firstWithClientId(clientId), unbroken.firstWithClientId(clientId)]).toEqual([
            expected,
            expected,
          ]);
        }
        expect(hashOf(memory)).toEqual(hashOf(unbroken));
      }),
      { numRuns: 25 },
    );
  });

  it('knows 256 ids, and forgets the oldest for the next', () => {
    const memory = new AnswerMemory();
    const ids = Array.from({ length: REMEMBERED }, (_, index) => `c${index}`);
    for (const clientId of ids) expect(memory.firstWithClientId(clientId)).toBe(true);
    expect(memory.firstWithClientId('c0')).toBe(false);
    expect(memory.firstWithClientId('one more')).toBe(true);
    expect(memory.firstWithClientId('c1')).toBe(false);
    expect(memory.firstWithClientId('c0')).toBe(true);
  });

  it('is the same state only for the same ids', () => {
    const [one, same, other] = [new AnswerMemory(), new AnswerMemory(), new AnswerMemory()];
    for (const memory of [one, same]) memory.firstWithClientId('c-1');
    other.firstWithClientId('c-2');
    expect(hashOf(one)).toEqual(hashOf(same));
    expect(hashOf(one)).not.toEqual(hashOf(other));
  });

  it('survives in the world’s snapshot: a world restored from it applies no request a second time', () => {
    const scenario = new Scenario({}, { ann: 'quant' });
    const buy = { type: 'BUY', symbol: scenario.symbol, quantity: 1 };
    const request = { agentId: 'ann', tick: 0, channel: 'api', clientId: 'c-1', actions: [buy] } as const;
    scenario.send(request).step();
    const restored = restoreWorld(scenario.world.snapshot());
    const closedAtMs = 1_000 * (scenario.state.tick + 1);
    const again = restored.step({ closedAtMs, controls: [], actions: [request, { ...request, actions: [buy, buy] }] });
    expect(again.agents[0]).toMatchObject({ actionResults: [], portfolio: { positions: [{ shares: 1 }] } });
    const next = restored.step({
      closedAtMs: closedAtMs + 1_000,
      controls: [],
      actions: [{ ...request, clientId: 'c-2' }],
    });
    expect(next.agents[0]).toMatchObject({ portfolio: { positions: [{ shares: 2 }] } });
  });

  it('is each agent’s own', () => {
    const scenario = new Scenario({}, { ann: 'quant', bob: 'quant' });
    const actions = [{ type: 'BUY', symbol: scenario.symbol, quantity: 1 }];
    for (const agentId of ['ann', 'bob', 'ann']) {
      scenario.send({ agentId, tick: 0, channel: 'api', clientId: 'c-1', actions });
    }
    scenario.step();
    for (const agentId of ['ann', 'bob']) {
      expect(scenario.agent(agentId).portfolio.positions).toMatchObject([{ shares: 1 }]);
    }
  });
});
