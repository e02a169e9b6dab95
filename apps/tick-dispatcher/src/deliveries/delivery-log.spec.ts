import type { LogSink, NewRecord } from '@tickwire/event-log';
import type { LaneTick } from '../callbacks/tick-callback.js';
import { DeliveryLog } from './delivery-log.js';

const SILENT: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
const never = new AbortController().signal;

/** A log that keeps what it acknowledges; `answers` says of each append what becomes of it. */
class ScriptedLog {
  readonly ticks: string[] = [];
  readonly sizes: number[] = [];

  constructor(private readonly answers: (() => Promise<void>)[] = []) {}

  async append(records: readonly NewRecord[]): Promise<void> {
    this.sizes.push(records.length);
    await this.answers.shift()?.();
    for (const { value } of records) {
      const { data } = JSON.parse(value.toString()) as { data: { agentId: string; tick: number } };
      this.ticks.push(`${data.agentId}/${data.tick}`);
    }
  }
}

const tick = (agentId: string, number: number): LaneTick =>
  ({
    worldId: 'w',
    shard: 0,
    tick: number,
    agent: { id: agentId, tenantId: 'ten_1' },
    causeId: '01890000-0000-7000-8000-000000000000',
    closedAtMs: 0,
  }) as unknown as LaneTick;

function deliveriesOn(log: ScriptedLog): (agentId: string, number: number, stopped?: AbortSignal) => Promise<boolean> {
  const deliveries = new DeliveryLog(log, SILENT, () => 0);
  return (agentId, number, stopped = never) =>
    deliveries.end(tick(agentId, number), { outcome: 'superseded', attempts: 0 }, stopped);
}

const refuse = (): Promise<void> => Promise.reject(new Error('not now'));

describe('ends of callbacks', () => {
  it('of one agent reach the log in order, also where it refuses the first', async () => {
    const log = new ScriptedLog([refuse, refuse]);
    const end = deliveriesOn(log);
    const all = [1, 2, 3].map((number) => end('a', number));
    expect(await Promise.all(all)).toEqual([true, true, true]);
    expect(log.ticks).toEqual(['a/1', 'a/2', 'a/3']);
    expect(log.sizes).toEqual([1, 1, 1, 2]);
    expect(await end('a', 4)).toBe(true);
    expect(log.ticks.at(-1)).toBe('a/4');
  });

  it('of other agents wait for nobody', async () => {
    const held = Promise.withResolvers<void>();
    const log = new ScriptedLog([() => held.promise]);
    const end = deliveriesOn(log);
    const first = end('a', 1);
    expect(await end('b', 1)).toBe(true);
    expect(log.ticks).toEqual(['b/1']);
    held.resolve();
    expect(await first).toBe(true);
  });

  it('of an agent that was given up are not written, those of its next lane are', async () => {
    const log = new ScriptedLog([refuse]);
    const end = deliveriesOn(log);
    const released = new AbortController();
    const old = [1, 2].map((number) => end('a', number, released.signal));
    const next = end('a', 1);
    released.abort();
    expect(await Promise.all([...old, next])).toEqual([false, false, true]);
    expect(log.ticks).toEqual(['a/1']);
  });

  it('that have gathered leave in parts', async () => {
    const held = Promise.withResolvers<void>();
    const log = new ScriptedLog([() => held.promise]);
    const end = deliveriesOn(log);
    const all = Array.from({ length: 251 }, (_, number) => end('a', number));
    held.resolve();
    await Promise.all(all);
    expect(log.sizes).toEqual([1, 100, 100, 50]);
  });
});
