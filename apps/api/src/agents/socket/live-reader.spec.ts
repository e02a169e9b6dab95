import type { BroadcastOptions, EventLog, Subscription } from '@tickwire/event-log';
import { quiet, until } from '../../../fixtures/running-api.js';
import { LiveReader } from './live-reader.js';

/** A log whose subscriptions are made when the test says so. */
class HesitantLog {
  readonly active = new Set<Subscription>();
  asked = 0;
  ill = false;
  private answers: (() => void)[] = [];
  private failures = 0;

  /** The next `count` subscriptions are refused. */
  refuse(count: number): void {
    this.failures = count;
  }

  async broadcast({ from }: BroadcastOptions): Promise<Subscription> {
    this.asked += 1;
    expect(from).toBe('end');
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the log is away');
    }
    await new Promise<void>((resolve) => this.answers.push(resolve));
    const subscription: Subscription = {
      owned: () => [],
      settle: () => undefined,
      healthy: () => !this.ill,
      alive: () => !this.ill,
      close: async () => void this.active.delete(subscription),
    };
    this.active.add(subscription);
    return subscription;
  }

  async answer(): Promise<void> {
    (await until(() => this.answers.shift()))();
  }
}

function readerOf(log: HesitantLog, { lingerMs = 0, patienceMs = 60_000 } = {}): LiveReader {
  const reading = { topics: ['a'], handle: () => undefined, lingerMs, patienceMs };
  return new LiveReader(log as unknown as EventLog, quiet, reading);
}

it('reads while it is wanted, and only then', async () => {
  const log = new HesitantLog();
  const reader = readerOf(log);
  const started = reader.start();
  await log.answer();
  await started;
  expect(log.active.size).toBe(1);
  reader.stop();
  await until(() => log.active.size === 0);
  expect(log.asked).toBe(1);
});

it('has one subscription however often it is wanted', async () => {
  const log = new HesitantLog();
  const reader = readerOf(log);
  const started = [reader.start(), reader.start()];
  await log.answer();
  await Promise.all(started);
  await reader.start();
  expect([log.asked, log.active.size]).toEqual([1, 1]);
  await reader.close();
});

it('closes a subscription that arrives when nobody wants it any more', async () => {
  const log = new HesitantLog();
  const reader = readerOf(log);
  const started = reader.start();
  await until(() => log.asked === 1);
  const closed = reader.close();
  await log.answer();
  await closed;
  await started;
  expect([log.asked, log.active.size]).toEqual([1, 0]);
});

it('goes on with the same subscription for who comes back in time', async () => {
  const log = new HesitantLog();
  const reader = readerOf(log, { lingerMs: 60_000 });
  const started = reader.start();
  await log.answer();
  await started;
  reader.stop();
  await reader.start();
  expect([log.asked, log.active.size]).toEqual([1, 1]);
  await reader.close();
  expect(log.active.size).toBe(0);
});

it('makes a new one for who comes back while the old one is being closed', async () => {
  const log = new HesitantLog();
  const reader = readerOf(log);
  const started = reader.start();
  await log.answer();
  await started;
  const closed = reader.close();
  await Promise.resolve();
  await Promise.resolve();
  const again = reader.start();
  if (log.active.size === 0) await log.answer();
  await Promise.all([again, closed]);
  expect(log.active.size).toBe(1);
  await reader.close();
});

it('tries again while the log is away', async () => {
  const log = new HesitantLog();
  log.refuse(2);
  const reader = readerOf(log);
  const started = reader.start();
  await log.answer();
  await started;
  expect([log.asked, log.active.size]).toEqual([3, 1]);
  await reader.close();
});

it('replaces a subscription that stays ill', async () => {
  const log = new HesitantLog();
  const reader = readerOf(log, { patienceMs: 1 });
  const started = reader.start();
  await log.answer();
  await started;
  reader.look();
  expect(log.asked).toBe(1);
  log.ill = true;
  await until(() => {
    reader.look();
    return log.asked === 2;
  });
  log.ill = false;
  await log.answer();
  await until(() => log.active.size === 1);
  await reader.close();
});
