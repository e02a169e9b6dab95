import { webhookFailed, webhookTradeExecuted } from '@tickwire/contracts';
import { Executions } from './executions.js';

const executed = (signalId: string, final = true) =>
  Buffer.from(
    JSON.stringify({ type: 'webhook.trade_executed', data: { ...webhookTradeExecuted.sample, signalId, final } }),
  );
const failed = (signalId: string) =>
  Buffer.from(
    JSON.stringify({ type: 'webhook.failed', data: { ...webhookFailed.sample, signalId, code: 'STALE_QUOTE' } }),
  );

it('remembers when a signal was executed in full, by its index', () => {
  const executions = new Executions('r', 3);
  executions.see(executed('r:1', false), 5);
  executions.see(executed('r:1'), 7);
  expect([...executions.executedAtMs]).toEqual([NaN, 7, NaN]);
  expect(executions.settled).toBe(1);
});

it('keeps the first time where a record is read twice', () => {
  const executions = new Executions('r', 1);
  executions.see(executed('r:0'), 5);
  executions.see(executed('r:0'), 9);
  expect([...executions.executedAtMs]).toEqual([5]);
  expect(executions.settled).toBe(1);
});

it('skips signals of other runs and of other senders', () => {
  const executions = new Executions('r', 1);
  executions.see(executed('r2:0'), 5);
  executions.see(executed('breakout-1'), 5);
  executions.see(executed('r:7'), 5);
  expect(executions.settled).toBe(0);
});

it('counts refusals by their code', () => {
  const executions = new Executions('r', 2);
  executions.see(failed('r:0'), 5);
  executions.see(failed('r:1'), 5);
  expect(executions.failed).toEqual({ STALE_QUOTE: 2 });
  expect(executions.settled).toBe(2);
});
