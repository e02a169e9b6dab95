import { partitionOfKey, sleep, type LogSink, type NewRecord } from '@tickwire/event-log';
import type { LaneTick } from '../callbacks/tick-callback.js';
import { DeliveryLog } from './delivery-log.js';

const SILENT: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
const never = new AbortController().signal;

/** A log that keeps what it acknowledges; `answers` says of each append what becomes of it. */
class ScriptedLog {
  readonly partitionCount = 12;
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

/** Agents of one partition, and one of another. */
const [A, B, ELSEWHERE] = (() => {
  const names = Array.from({ length: 100 }, (_, n) => `agt_${n}`);
  const partition = (name: string) => partitionOfKey(name, 12);
  const second = names.find((name, n) => n > 0 && partition(name) === partition(names[0]!))!;
  return [names[0]!, second, names.find((name) => partition(name) !== partition(names[0]!))!];
})();

describe('ends of callbacks', () => {
  it('gather and leave together, those of each partition in one append', async () => {
    const log = new ScriptedLog();
    const end = deliveriesOn(log);
    const all = [end(A, 1), end(ELSEWHERE, 1), end(B, 1), end(A, 2)];
    expect(log.sizes).toEqual([]);
    expect(await Promise.all(all)).toEqual([true, true, true, true]);
    expect(log.sizes.sort()).toEqual([1, 3]);
    expect(log.ticks.filter((place) => !place.startsWith(ELSEWHERE))).toEqual([`${A}/1`, `${B}/1`, `${A}/2`]);
  });

  it('reach the log in order, also where it refuses the first', async () => {
    const held = Promise.withResolvers<void>();
    const log = new ScriptedLog([() => held.promise.then(refuse), refuse]);
    const end = deliveriesOn(log);
    const first = end(A, 1);
    while (log.sizes.length === 0) await sleep(1);
    const others = [end(A, 2), end(A, 3)];
    held.resolve();
    expect(await Promise.all([first, ...others])).toEqual([true, true, true]);
    expect(log.ticks).toEqual([`${A}/1`, `${A}/2`, `${A}/3`]);
    expect(log.sizes).toEqual([1, 1, 1, 2]);
  });

  it('of other partitions wait for nobody', async () => {
    const held = Promise.withResolvers<void>();
    const log = new ScriptedLog([() => held.promise]);
    const end = deliveriesOn(log);
    const first = end(A, 1);
    expect(await end(ELSEWHERE, 1)).toBe(true);
    expect(log.ticks).toEqual([`${ELSEWHERE}/1`]);
    held.resolve();
    expect(await first).toBe(true);
  });

  it('of an agent that was given up are not written, those of its next lane and of others are', async () => {
    const log = new ScriptedLog([refuse]);
    const end = deliveriesOn(log);
    const released = new AbortController();
    const old = [1, 2].map((number) => end(A, number, released.signal));
    const others = [end(B, 1), end(A, 1)];
    while (log.sizes.length === 0) await sleep(1);
    released.abort();
    expect(await Promise.all([...old, ...others])).toEqual([false, false, true, true]);
    expect(log.ticks).toEqual([`${B}/1`, `${A}/1`]);
    expect(log.sizes).toEqual([4, 2]);
  });

  it('that have gathered leave in parts', async () => {
    const log = new ScriptedLog();
    const end = deliveriesOn(log);
    await Promise.all(Array.from({ length: 1_201 }, (_, number) => end(A, number)));
    expect(log.sizes).toEqual([500, 500, 201]);
    expect(log.ticks).toEqual(Array.from({ length: 1_201 }, (_, number) => `${A}/${number}`));
  });

  it('count as pending until they are on the log', async () => {
    const held = Promise.withResolvers<void>();
    const log = new ScriptedLog([() => held.promise]);
    const deliveries = new DeliveryLog(log, SILENT, () => 0);
    const all = Array.from({ length: 20_001 }, (_, number) =>
      deliveries.end(tick(A, number), { outcome: 'superseded', attempts: 0 }, never),
    );
    let room = false;
    const waited = deliveries.hasRoom(() => false).then(() => (room = true));
    await sleep(50);
    expect(room).toBe(false);
    held.resolve();
    await waited;
    await Promise.all(all);
  });
});
