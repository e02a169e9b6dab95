import { agentActions, worldControl } from '@tickwire/contracts';
import { safePositions, WorldInbox, type InboxRecord } from './world-inbox.js';

const control = (offset: number, agentId: string): InboxRecord => ({
  topic: 'world.control',
  offset,
  kind: 'control',
  event: { ...worldControl.sample, agentId },
});
const actions = (offset: number, agentId: string): InboxRecord => ({
  topic: 'agent.actions',
  offset,
  kind: 'actions',
  event: { ...agentActions.sample, agentId },
});

describe("a world's inbox", () => {
  it('hands over control records first, then answers, each in the order of offsets, and how far they are used up', () => {
    const inbox = new WorldInbox({});
    for (const record of [actions(4, 'a'), control(7, 'b'), actions(5, 'c'), control(8, 'd')]) inbox.add(record);
    const drained = inbox.drain();
    expect(drained.controls.map((each) => each.type === 'agent-registered' && each.agentId)).toEqual(['b', 'd']);
    expect(drained.actions.map(({ agentId }) => agentId)).toEqual(['a', 'c']);
    expect(drained.upTo).toEqual({ 'agent.actions': 6, 'world.control': 9 });
    expect(inbox.drain().actions).toEqual([]);
  });

  it('drops what its ticks have used up, and a record whose batch came again', () => {
    const inbox = new WorldInbox({ 'agent.actions': 5 });
    for (const offset of [3, 4, 5, 6, 5, 6]) inbox.add(actions(offset, `agent ${offset}`));
    expect(inbox.drain().actions.map(({ agentId }) => agentId)).toEqual(['agent 5', 'agent 6']);
    inbox.add(actions(6, 'again'));
    expect(inbox.drain().actions).toEqual([]);
  });

  it('holds the stored position of its partition at what still waits in any world', () => {
    const [full, empty] = [new WorldInbox({}), new WorldInbox({})];
    full.add(actions(12, 'a'));
    const read = [
      { topic: 'agent.actions', partition: 3, offset: 20 },
      { topic: 'world.control', partition: 3, offset: 9 },
    ];
    expect(safePositions(read, [full, empty]).map(({ offset }) => offset)).toEqual([12, 9]);
    full.drain();
    expect(safePositions(read, [full, empty]).map(({ offset }) => offset)).toEqual([20, 9]);
  });

  it('holds no position back with what is stored, and says when a drain takes of it', () => {
    const inbox = new WorldInbox({});
    for (const offset of [12, 13]) inbox.add(actions(offset, 'a'));
    inbox.stored(inbox.notStored());
    expect([inbox.lowest('agent.actions'), inbox.notStored()]).toEqual([undefined, []]);
    inbox.add(actions(14, 'b'));
    expect(inbox.lowest('agent.actions')).toBe(14);
    expect(inbox.notStored().map(({ offset }) => offset)).toEqual([14]);
    const drained = inbox.drain();
    expect([drained.fromStore, drained.actions.length]).toEqual([true, 3]);
    inbox.add(actions(15, 'c'));
    expect(inbox.drain().fromStore).toBe(false);
  });

  it('begins with what was stored, and drops that when it comes again from the log', () => {
    const inbox = new WorldInbox({ 'agent.actions': 12 });
    inbox.restore([actions(11, 'used up'), actions(12, 'a'), actions(14, 'b'), control(3, 'c')]);
    for (const record of [actions(12, 'a'), actions(14, 'b'), actions(15, 'd')]) inbox.add(record);
    expect(inbox.notStored().map(({ offset }) => offset)).toEqual([15]);
    expect(inbox.drain().actions.map(({ agentId }) => agentId)).toEqual(['a', 'b', 'd']);
  });

  it('has what a tick took again where that tick has failed', () => {
    const inbox = new WorldInbox({});
    inbox.add(actions(4, 'a'));
    inbox.drain();
    inbox.add(actions(5, 'b'));
    expect(inbox.lowest('agent.actions')).toBe(5);
    inbox.takeBack();
    expect(inbox.lowest('agent.actions')).toBe(4);
    expect(inbox.notStored().map(({ offset }) => offset)).toEqual([4, 5]);
  });
});
