import { TickAllowance } from './tick-allowance.js';

it('lets each agent send so many requests a tick, and as many with the next', () => {
  const allowance = new TickAllowance(3);
  const sent = (agentId: string, tick: number) => Array.from({ length: 5 }, () => allowance.take(agentId, tick));
  const three = [true, true, true, false, false];
  expect(sent('a', 7)).toEqual(three);
  expect(sent('b', 7)).toEqual(three);
  expect(sent('a', 8)).toEqual(three);
  expect(sent('a', 8)).toEqual([false, false, false, false, false]);
});
