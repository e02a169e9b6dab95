import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { OwnershipLost, type PositionOutOfLog } from './log-errors.js';
import { partitionOfKey } from './partitioner.js';
import type {
  EventLog,
  LogRecord,
  NewRecord,
  OwnedBatch,
  OwnedOptions,
  Position,
  SessionTiming,
  Subscription,
} from './port.js';

/** How the suite gets at an adapter. */
export interface EventLogHarness {
  /** A connection of its own, as another process would have. All have 12 partitions and the timing below. */
  connect(clientId: string): Promise<EventLog>;
  /** What SIGKILL would do to the connection's process: nothing more is sent, nothing is handed over. */
  kill(connection: EventLog): Promise<void>;
  /** What retention does in time: the partition's records below the position are gone, and its start is there. */
  expire(position: Position): Promise<void>;
  /** As short as the technology allows. */
  timing: SessionTiming;
}

const PARTITIONS = 12;
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

/** What both adapters of the port must do. Topics are new in each test, so a log may be shared by runs. */
export function describeEventLog(name: string, makeHarness: () => Promise<EventLogHarness>): void {
  describe(`${name} as an event log`, () => {
    let harness: EventLogHarness;
    let opened: EventLog[];
    let log: EventLog;
    let topic: string;

    const connect = async (clientId: string): Promise<EventLog> => {
      const connection = await harness.connect(clientId);
      opened.push(connection);
      return connection;
    };
    const newTopic = async (): Promise<string> => {
      const created = `conformance.${randomUUID()}`;
      await log.ensureTopics([{ name: created }]);
      return created;
    };

    beforeAll(async () => {
      harness = await makeHarness();
    });
    beforeEach(async () => {
      opened = [];
      log = await connect('writer');
      topic = await newTopic();
    });
    afterEach(async () => {
      await Promise.all(opened.map((connection) => connection.close()));
    });

    /** Appends `count` records with keys k0.. in turn and values 0.. */
    const fill = (count: number, to = topic, first = 0) =>
      log.append(
        Array.from({ length: count }, (_, i) => ({ topic: to, key: `k${(first + i) % 60}`, value: String(first + i) })),
      );

    const everyPartition = (to = topic, value = 'x'): NewRecord[] =>
      ALL.map((partition) => ({ topic: to, key: `p${partition}`, value, partition }));

    const endOf = async (partition: number, of = topic) =>
      (await log.bounds([of])).find((bounds) => bounds.partition === partition)!.end;

    const join = async (connection: EventLog, options: Partial<OwnedOptions> = {}): Promise<Member> => {
      const member = new Member();
      const { handle = async () => {} } = options;
      member.subscription = await connection.owned({
        group: `group.${topic}`,
        topics: [topic],
        offsets: 'port',
        ...options,
        handle: (batch) => member.observe(batch, handle),
      });
      return member;
    };

    const settled = (members: readonly Member[]) =>
      until(() => {
        const owned = members.flatMap((member) => [...member.subscription.owned()]);
        const shares = members.map((member) => member.subscription.owned().length);
        const even = Math.max(...shares) - Math.min(...shares) <= 1;
        return owned.length === PARTITIONS && new Set(owned).size === PARTITIONS && even;
      }, 'every partition has exactly one owner, in even shares');

    describe('append and read', () => {
      it('gives back the very bytes, keys and headers', async () => {
        const invalidUtf8 = Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]);
        const records: NewRecord[] = [
          { topic, key: 'a', value: invalidUtf8, partition: 3 },
          { topic, key: 'schlüssel-☃-𝄞', value: '{"ü":"𝄞"}', headers: {}, partition: 3 },
          {
            topic,
            key: '',
            value: '',
            headers: { traceparent: '00-1-2-01', name: 'Größe ☃', empty: '' },
            partition: 3,
          },
        ];
        const before = Date.now();
        await log.append(records);
        const read = await log.read({ topic, partition: 3, offset: 0 }, 10);

        expect(read.map(({ offset }) => offset)).toEqual([0, 1, 2]);
        expect(read.map(({ key }) => key)).toEqual(['a', 'schlüssel-☃-𝄞', '']);
        expect(read.map(({ value }) => Buffer.from(value))).toEqual([
          invalidUtf8,
          Buffer.from('{"ü":"𝄞"}'),
          Buffer.alloc(0),
        ]);
        expect(read.map(({ headers }) => ({ ...headers }))).toEqual([
          {},
          {},
          { traceparent: '00-1-2-01', name: 'Größe ☃', empty: '' },
        ]);
        for (const { timestampMs } of read) expect(Math.abs(timestampMs - before)).toBeLessThan(60_000);
      });

      it('gives back text as it was, whatever is in it', async () => {
        const texts = ['{"ü":"𝄞"}', '\ufeff{}', '\\x7b7d', '\u0001\u007f\u0080\u2028', 'x'.repeat(20_000)];
        await log.append(texts.map((value) => ({ topic, key: 'a', value, partition: 3 })));
        const read = await log.read({ topic, partition: 3, offset: 0 }, 10);
        expect(read.map(({ value }) => Buffer.from(value))).toEqual(texts.map((text) => Buffer.from(text)));
      });

      it("places a record by its key as Kafka's Java client does, or where it is told to", async () => {
        await log.append([
          { topic, key: 'account-1', value: 'by key' },
          {
            topic,
            key: 'account-1',
            value: 'as told',
            partition: (partitionOfKey('account-1', PARTITIONS) + 1) % PARTITIONS,
          },
        ]);
        const place = partitionOfKey('account-1', PARTITIONS);
        expect(textsOf(await log.read({ topic, partition: place, offset: 0 }, 10))).toEqual(['by key']);
        expect(textsOf(await log.read({ topic, partition: (place + 1) % PARTITIONS, offset: 0 }, 10))).toEqual([
          'as told',
        ]);
      });

      it('acknowledges appends that run together, loses none and keeps their order', async () => {
        const keys = ['a', 'b', 'c'];
        const values = Array.from({ length: 600 }, (_, i) => String(i));
        await Promise.all(values.map((value, i) => log.append([{ topic, key: keys[i % 3]!, value }])));

        for (const [index, key] of keys.entries()) {
          const read = await log.read({ topic, partition: partitionOfKey(key, PARTITIONS), offset: 0 }, 1_000);
          expect(textsOf(read.filter((record) => record.key === key))).toEqual(
            values.filter((_, i) => i % 3 === index),
          );
        }
      });

      it('takes an append that is larger than one request, in order', async () => {
        const body = 'x'.repeat(10_000);
        await log.append(Array.from({ length: 300 }, (_, i) => ({ topic, key: 'big', value: `${i}:${body}` })));
        const read = await log.read({ topic, partition: partitionOfKey('big', PARTITIONS), offset: 0 }, 300);
        expect(read.map(({ value }) => Number(value.toString().split(':')[0]))).toEqual(
          Array.from({ length: 300 }, (_, i) => i),
        );
      });

      it('reads at most as many as asked, from where it is told, and nothing at the end', async () => {
        await log.append(Array.from({ length: 5 }, (_, i) => ({ topic, key: 'k', value: String(i), partition: 7 })));
        expect(textsOf(await log.read({ topic, partition: 7, offset: 1 }, 2))).toEqual(['1', '2']);
        expect(await log.read({ topic, partition: 7, offset: 5 }, 10)).toEqual([]);
      });

      it('knows where each partition begins and ends', async () => {
        await log.append([{ topic, key: 'k', value: '1', partition: 4 }]);
        const bounds = await log.bounds([topic]);
        expect(bounds).toEqual(ALL.map((partition) => ({ topic, partition, start: 0, end: partition === 4 ? 1 : 0 })));
      });

      it('creates topics once, however many ask at the same time', async () => {
        const other = await connect('other');
        const names = [`${topic}.a`, `${topic}.b`];
        const specs = names.map((name) => ({ name, retentionMs: 3_600_000 }));
        await Promise.all([log.ensureTopics(specs), other.ensureTopics(specs), log.ensureTopics(specs)]);
        expect(await log.bounds(names)).toHaveLength(2 * PARTITIONS);
      });

      it('tells whether it is usable, and takes nothing after close', async () => {
        expect(await log.ping()).toBe(true);
        await log.close();
        await expect(log.append([{ topic, key: 'k', value: 'v' }])).rejects.toThrow();
      });
    });

    describe('owned', () => {
      it('delivers everything once and in order to a steady group', async () => {
        await fill(300);
        const member = await join(log);
        await until(() => member.records.length >= 300, 'what was there is delivered');
        await fill(300, topic, 300);
        await until(() => member.records.length >= 600, 'what came later is delivered');

        expect(new Set(member.records.map(({ value }) => value.toString())).size).toBe(600);
        expectGapless(member.records);
      });

      it('cuts batches across partitions, never above the limit, one at a time, and says what comes next', async () => {
        await fill(240);
        const member = await join(log, { maxBatchRecords: 50, handle: () => sleep(5) });
        await until(() => member.records.length === 240, 'everything is delivered');

        expect(Math.max(...member.batches.map(({ records }) => records.length))).toBeLessThanOrEqual(50);
        expect(Math.max(...member.batches.map(({ next }) => next.length))).toBeGreaterThan(1);
        expect(member.mostAtOnce).toBe(1);
        for (const { records, next, group } of member.batches) {
          expect(group).toBe(`group.${topic}`);
          const after = new Map(records.map(({ partition, offset }) => [partition, offset + 1]));
          expect(new Map(next.map(({ partition, offset }) => [partition, offset]))).toEqual(after);
        }
      });

      it('lets what comes within the pace share a batch, and holds neither the first record nor a backlog', async () => {
        const member = await join(log, { paceMs: 1_000, maxBatchRecords: 20 });
        // How long it takes until a member has its partitions is not the pace's.
        await fill(1);
        await until(() => member.records.length === 1, 'the member is at work');
        await sleep(1_100);
        const { length: before } = member.batches;
        await fill(1, topic, 1);
        await until(() => member.records.length === 2, 'the first record after a pause is not held', 900);
        for (let record = 2; record <= 11; record++) {
          await fill(1, topic, record);
          await sleep(20);
        }
        await until(() => member.records.length === 12, 'the others come');
        // Two where the first of them came before the pace began.
        expect(member.batches.length - before).toBeLessThanOrEqual(3);

        await fill(400, topic, 12);
        await until(() => member.records.length === 412, 'a backlog is not held for each batch of it', 10_000);
        expectGapless(member.records);
      });

      it('gives partition n of every topic to the same member', async () => {
        const second = await newTopic();
        const topics = [topic, second];
        const members = await Promise.all(
          ['one', 'two', 'three'].map(async (clientId) => join(await connect(clientId), { topics })),
        );
        await settled(members);
        await log.append([...everyPartition(topic), ...everyPartition(second)]);
        await until(
          () => members.reduce((sum, { records }) => sum + records.length, 0) === 2 * PARTITIONS,
          'all delivered',
        );

        for (const member of members) {
          const places = (of: string) =>
            member.records
              .filter((record) => record.topic === of)
              .map(({ partition }) => partition)
              .sort();
          expect(places(topic)).toEqual(places(second));
          expect(places(topic)).toHaveLength(4);
        }
      });

      it('moves partitions when members join, leave and die, and loses nothing', async () => {
        const connections = await Promise.all(['m1', 'm2', 'm3', 'm4', 'm5'].map(connect));
        const members: Member[] = [];
        let appended = 0;
        let writing = true;
        const writer = (async () => {
          for (; writing; await sleep(5)) {
            await fill(6, topic, appended);
            appended += 6;
          }
        })();
        for (const connection of connections.slice(0, 2)) members.push(await join(connection));
        await settled(members);
        members.push(...(await Promise.all(connections.slice(2).map((connection) => join(connection)))));
        await settled(members);

        await members[0]!.subscription.close();
        await settled(members.slice(1));
        members[1]!.isKilled = true;
        await harness.kill(connections[1]!);
        await settled(members.slice(2));
        members.push(await join(await connect('m6')));
        await settled([...members.slice(2)]);

        writing = false;
        await writer;
        const seen = () => new Set(members.flatMap(({ records }) => records.map(({ value }) => value.toString())));
        await until(() => seen().size === appended, 'every record is delivered at least once');
        for (const member of members.slice(2)) expect(member.subscription.healthy()).toBe(true);
      });

      it('hands over within the session when a member is killed, and faster when it leaves', async () => {
        const [leaver, victim, heir] = await Promise.all(['leaver', 'victim', 'heir'].map(connect));
        const members = [await join(leaver!), await join(victim!), await join(heir!)];
        await settled(members);

        const leftAt = performance.now();
        await members[0]!.subscription.close();
        await settled(members.slice(1));
        const leaveMs = performance.now() - leftAt;

        const killedAt = performance.now();
        await harness.kill(victim!);
        await settled(members.slice(2));
        const killMs = performance.now() - killedAt;

        const { sessionMs, rebalanceMs, heartbeatMs } = harness.timing;
        expect(leaveMs).toBeLessThan(rebalanceMs + 2_000);
        expect(killMs).toBeLessThan(sessionMs + rebalanceMs + 2 * heartbeatMs + 3_000);
      });

      it('starts where the handler says, and at the beginning where it says nothing', async () => {
        await log.append([...everyPartition(topic, '0'), ...everyPartition(topic, '1'), ...everyPartition(topic, '2')]);
        const asked: number[] = [];
        const member = await join(log, {
          offsets: 'handler',
          assigned: async (partitions) => {
            asked.push(...partitions);
            return [
              { topic, partition: 0, offset: 2 },
              { topic, partition: 1, offset: 3 },
            ];
          },
        });
        await until(() => member.records.length === 1 + 0 + 30, 'what is due is delivered');

        expect(asked.sort((a, b) => a - b)).toEqual(ALL);
        expect(textsOf(member.records.filter(({ partition }) => partition === 0))).toEqual(['2']);
        expect(member.records.filter(({ partition }) => partition === 1)).toEqual([]);
        expect(textsOf(member.records.filter(({ partition }) => partition === 2))).toEqual(['0', '1', '2']);
      });

      it('resumes behind what was handled when the log keeps the offsets', async () => {
        await fill(100);
        const first = await join(log);
        await until(() => first.records.length === 100, 'the first hundred is delivered');
        await first.subscription.close();
        await fill(20, topic, 100);
        const second = await join(log);
        await until(() => second.records.length >= 20, 'the rest is delivered');

        expect(
          textsOf(second.records)
            .map(Number)
            .sort((a, b) => a - b),
        ).toEqual(Array.from({ length: 20 }, (_, i) => 100 + i));
      });

      it('resumes at what was settled, not at what was handled', async () => {
        await log.append(Array.from({ length: 10 }, (_, i) => ({ topic, key: 'k', value: String(i), partition: 5 })));
        const first = await join(log, { offsets: 'settle' });
        await until(() => first.records.length === 10, 'everything is delivered');
        first.subscription.settle({ topic, partition: 5, offset: 4 });
        first.subscription.settle({ topic, partition: 5, offset: 2 });
        await first.subscription.close();

        const second = await join(log, { offsets: 'settle' });
        await until(() => second.records.length === 6, 'what was not settled comes again');
        expect(textsOf(second.records)).toEqual(['4', '5', '6', '7', '8', '9']);
      });

      it('stops a partition whose position is outside the log, loudly, and goes on with the others', async () => {
        await log.append(everyPartition());
        const stopped: PositionOutOfLog[] = [];
        const member = await join(log, {
          offsets: 'handler',
          assigned: async () => [{ topic, partition: 2, offset: 17 }],
          partitionStopped: (error) => stopped.push(error),
        });
        await until(() => member.records.length === PARTITIONS - 1 && stopped.length === 1, 'the others are delivered');

        expect(stopped[0]!.at).toEqual({ group: `group.${topic}`, topic, partition: 2, offset: 17, start: 0, end: 1 });
        expect(member.subscription.healthy()).toBe(false);
        await log.append(everyPartition(topic, 'more'));
        await until(() => member.records.length === 2 * (PARTITIONS - 1), 'the others go on');
        expect(member.records.some(({ partition }) => partition === 2)).toBe(false);
      });

      describe('of a topic whose records perish', () => {
        const expireThree = async (): Promise<void> => {
          await log.append(Array.from({ length: 5 }, (_, i) => ({ topic, key: 'k', value: String(i), partition: 2 })));
          await harness.expire({ topic, partition: 2, offset: 3 });
        };
        const progress = (of = `group.${topic}`) => log.consumers().find(({ group }) => group === of);

        it('goes on at the first record kept where its position has expired, and says how many it passed over', async () => {
          await expireThree();
          const stopped: PositionOutOfLog[] = [];
          const member = await join(log, {
            perishable: [topic],
            offsets: 'handler',
            assigned: async () => [{ topic, partition: 2, offset: 1 }],
            partitionStopped: (error) => stopped.push(error),
          });
          await until(() => member.handled.length === 2, 'what is kept is delivered');
          await log.append([{ topic, key: 'k', value: '5', partition: 2 }]);
          await until(() => member.handled.length === 3, 'what comes later is delivered');

          expect(textsOf(member.records)).toEqual(['3', '4', '5']);
          // What a handler stores with its state moves over the jump.
          expect(member.batches[0]!.next).toEqual([
            { topic, partition: 2, offset: member.batches[0]!.records.length + 3 },
          ]);
          expect(stopped).toEqual([]);
          expect(member.subscription.healthy()).toBe(true);
          expect([...progress()!.expired]).toEqual([[topic, 2]]);
        });

        it('keeps the place where it goes on, also when nothing is left to read', async () => {
          await log.append([{ topic, key: 'k', value: '0', partition: 2 }]);
          const first = await join(log, { perishable: [topic] });
          await until(() => first.handled.length === 1, 'the record is delivered');
          await first.subscription.close();
          await log.append([1, 2].map((i) => ({ topic, key: 'k', value: String(i), partition: 2 })));
          await harness.expire({ topic, partition: 2, offset: 3 });

          const second = await join(await connect('second'), { perishable: [topic] });
          await until(() => second.subscription.owned().length === PARTITIONS, 'it owns its partitions');
          await second.subscription.close();
          const other = await connect('third');
          const third = await join(other);
          await until(() => third.subscription.owned().length === PARTITIONS, 'the next one owns them');
          await log.append([{ topic, key: 'k', value: '3', partition: 2 }]);
          await until(() => third.handled.length === 1, 'what comes later is delivered');
          expect(textsOf(third.records)).toEqual(['3']);
          expect(third.subscription.healthy()).toBe(true);
        });

        it('goes on when its records expire while it is busy with earlier ones', async () => {
          let release = (): void => undefined;
          const held = new Promise<void>((resolve) => (release = resolve));
          const numbers = (from: number, to: number): NewRecord[] =>
            Array.from({ length: to - from }, (_, i) => ({ topic, key: 'k', value: String(from + i), partition: 2 }));
          // So many that the member stops fetching until it has handled some.
          await log.append(numbers(0, 6));
          const member = await join(log, { perishable: [topic], maxBatchRecords: 1, handle: () => held });
          await until(() => member.records.length === 1, 'the first record is being handled');
          try {
            const writer = await connect('another writer');
            await writer.append(numbers(6, 46));
            await harness.expire({ topic, partition: 2, offset: 45 });
          } finally {
            release();
          }
          await until(() => textsOf(member.handled).at(-1) === '45', 'the record that is kept is delivered');
          expect(member.subscription.healthy()).toBe(true);
          // It may have read some before they expired; the rest is accounted for.
          expect(member.handled.length + (progress()!.expired.get(topic) ?? 0)).toBe(46);
          await log.append(numbers(46, 47));
          await until(() => textsOf(member.handled).at(-1) === '46', 'what comes later is delivered');
        });

        it('stops where the position lies beyond the end: that is a lost log, not age', async () => {
          await log.append(everyPartition());
          const stopped: PositionOutOfLog[] = [];
          const member = await join(log, {
            perishable: [topic],
            offsets: 'handler',
            assigned: async () => [{ topic, partition: 2, offset: 17 }],
            partitionStopped: (error) => stopped.push(error),
          });
          await until(() => member.records.length === PARTITIONS - 1 && stopped.length === 1, 'the others go on');
          expect(stopped[0]!.at).toMatchObject({ partition: 2, offset: 17, start: 0, end: 1 });
          expect(member.subscription.healthy()).toBe(false);
        });

        it('stops at an expired position where the topic is not said to perish', async () => {
          await expireThree();
          const stopped: PositionOutOfLog[] = [];
          await join(log, {
            offsets: 'handler',
            assigned: async () => [{ topic, partition: 2, offset: 1 }],
            partitionStopped: (error) => stopped.push(error),
          });
          await until(() => stopped.length === 1, 'the partition is stopped');
          expect(stopped[0]!.at).toMatchObject({ partition: 2, offset: 1, start: 3, end: 5 });
          expect([...progress()!.expired]).toEqual([]);
        });
      });

      it('tells how far each owned partition is behind, and which are stopped', async () => {
        const group = `group.${topic}`;
        const of = (partition: number) =>
          log
            .consumers()
            .flatMap((each) =>
              each.group === group ? each.partitions.filter((at) => at.partition === partition) : [],
            );
        let release = (): void => undefined;
        const held = new Promise<void>((resolve) => (release = resolve));
        const records = Array.from({ length: 7 }, (_, i) => ({ topic, key: 'k', value: String(i), partition: 5 }));
        await log.append(records);
        await join(log, {
          offsets: 'handler',
          assigned: async () => [{ topic, partition: 9, offset: 4 }],
          handle: () => held,
        });
        await until(() => of(5)[0]?.lag === 7, 'the records at hand count as not done');
        await until(() => of(9)[0]?.isStopped === true, 'a stopped partition is told');
        release();
        await until(() => of(5)[0]?.lag === 0, 'what is handled counts no more');
        expect(of(5)).toEqual([{ topic, partition: 5, lag: 0, isStopped: false }]);
        expect(log.consumers().filter((each) => each.group === group)[0]!.partitions).toHaveLength(PARTITIONS);
      });

      it('counts as behind what is handled and not settled', async () => {
        const lag = () => log.consumers()[0]?.partitions.find(({ partition }) => partition === 5)?.lag;
        await log.append(Array.from({ length: 6 }, (_, i) => ({ topic, key: 'k', value: String(i), partition: 5 })));
        const member = await join(log, { offsets: 'settle' });
        await until(() => member.handled.length === 6 && lag() === 6, 'all six wait to be settled');
        member.subscription.settle({ topic, partition: 5, offset: 4 });
        await until(() => lag() === 2, 'two are left');
      });

      it('brings a rejected batch again until it is handled, with nothing in between', async () => {
        await fill(30);
        let rejections = 3;
        const member = await join(log, {
          handle: async () => {
            if (rejections-- > 0) throw new Error('the database is away');
          },
        });
        await until(() => member.handled.length >= 30, 'everything is handled');

        const attempts = member.batches.slice(0, 4).map(({ records }) => placesOf(records));
        for (const attempt of attempts) expect(attempt).toEqual(attempts[0]);
        expect(new Set(placesOf(member.handled)).size).toBe(30);
        expect(member.handled).toHaveLength(30);
      });

      it('revokes and assigns anew when the handler has lost its partitions', async () => {
        await fill(30);
        const steps: string[] = [];
        let lost = false;
        const member = await join(log, {
          offsets: 'handler',
          assigned: async (partitions) => void steps.push(`assigned ${partitions.length}`),
          revoked: (partitions) => void steps.push(`revoked ${partitions.length}`),
          handle: async ({ group }) => {
            steps.push('handle');
            if (lost) return;
            lost = true;
            throw new OwnershipLost(group, ALL);
          },
        });
        await until(() => member.handled.length >= 30, 'everything comes again');

        expect(steps.slice(0, 5)).toEqual(['assigned 12', 'handle', 'revoked 12', 'assigned 12', 'handle']);
        expectGapless(member.handled);
      });

      it('keeps the partitions of a handler that is slower than the session', async () => {
        const slowMs = 2.5 * harness.timing.sessionMs;
        await fill(30);
        const steps: string[] = [];
        let first = true;
        const slow = await join(log, {
          revoked: () => void steps.push('revoked'),
          handle: async () => {
            if (!first) return;
            first = false;
            for (const end = performance.now() + slowMs; performance.now() < end; await sleep(100)) {
              if (!slow?.subscription?.alive()) steps.push('not alive');
            }
            steps.push('done');
          },
        });
        await until(() => steps.includes('done'), 'the slow batch ends', slowMs + 10_000);
        await until(() => slow.handled.length >= 30, 'everything is handled');

        expect(steps.filter((step) => step !== 'not alive')).toEqual(['done']);
        // Before `owned` has resolved there is no subscription to ask.
        expect(steps.filter((step) => step === 'not alive').length).toBeLessThan(10);
        expect(slow.handled).toHaveLength(30);
      });

      it('calls assigned, handle and revoked one after the other, also when members come and go', async () => {
        const other = await connect('other');
        await fill(60);
        const inside: string[] = [];
        const overlaps: string[] = [];
        const alone = async (step: string, ms: number) => {
          overlaps.push(...inside.map((running) => `${running} during ${step}`).filter(() => inside.length > 0));
          inside.push(step);
          await sleep(ms);
          inside.splice(inside.indexOf(step), 1);
        };
        const member = await join(log, {
          maxBatchRecords: 5,
          assigned: () => alone('assigned', 20),
          revoked: () => alone('revoked', 20),
          handle: () => alone('handle', 20),
        });
        const guest = await join(other, { maxBatchRecords: 5 });
        await settled([member, guest]);
        await guest.subscription.close();
        await settled([member]);

        expect(overlaps).toEqual([]);
      });

      it('waits for the running batch before partitions go to a newcomer, so that nothing is handled twice', async () => {
        const other = await connect('other');
        await fill(60);
        let begun = false;
        const member = await join(log, {
          handle: async () => {
            begun = true;
            await sleep(1.2 * harness.timing.sessionMs);
          },
        });
        await until(() => begun, 'the batch runs');
        const newcomer = await join(other);
        await settled([member, newcomer]);
        await fill(60, topic, 60);
        await until(() => member.handled.length + newcomer.handled.length >= 120, 'everything is handled');

        const places = placesOf([...member.handled, ...newcomer.handled]);
        expect(new Set(places).size).toBe(120);
        expect(places).toHaveLength(120);
        expect(newcomer.handled.length).toBeGreaterThan(0);
      });

      it('finishes the running batch on close, and handles nothing afterwards', async () => {
        await fill(60);
        let begun = 0;
        let ended = 0;
        const member = await join(log, {
          maxBatchRecords: 10,
          handle: async () => {
            begun += 1;
            await sleep(300);
            ended += 1;
          },
        });
        await until(() => begun === 2, 'the second batch runs');
        await Promise.all([member.subscription.close(), member.subscription.close()]);
        expect([begun, ended]).toEqual([2, 2]);
        expect(member.subscription.owned()).toEqual([]);
        await fill(10, topic, 60);
        await sleep(300);
        expect(begun).toBe(2);

        const heir = await join(log);
        await until(() => heir.records.length >= 50, 'the rest goes to the next member');
        expect(heir.records).toHaveLength(50);
      });

      it('keeps two groups apart', async () => {
        await fill(40);
        const [one, two] = [await join(log, { group: `${topic}.one` }), await join(log, { group: `${topic}.two` })];
        await until(() => one.records.length === 40 && two.records.length === 40, 'each group has everything');
      });
    });

    describe('broadcast', () => {
      const listen = async (connection: EventLog, from: 'beginning' | 'end' | readonly Position[]) => {
        const texts: string[] = [];
        const subscription = await connection.broadcast({
          topics: [topic],
          from,
          handle: (records) => void texts.push(...textsOf(records)),
        });
        return { texts, subscription };
      };

      it('gives everything to everyone, from the beginning', async () => {
        await fill(50);
        const listeners = await Promise.all(['a', 'b'].map(async (id) => listen(await connect(id), 'beginning')));
        await fill(50, topic, 50);
        for (const { texts, subscription } of listeners) {
          await until(() => texts.length >= 100, 'everything is read');
          expect(new Set(texts).size).toBe(100);
          expect(subscription.owned()).toEqual(ALL);
          expect(subscription.healthy()).toBe(true);
        }
      });

      it('gives only what comes later, from the end', async () => {
        await fill(50);
        const { texts } = await listen(log, 'end');
        await log.append([{ topic, key: 'k', value: 'later' }]);
        await until(() => texts.length > 0, 'the later record is read');
        await sleep(200);
        expect(texts).toEqual(['later']);
      });

      it('begins at stated positions, and at the end where none is stated', async () => {
        await log.append([...everyPartition(topic, 'old'), ...everyPartition(topic, 'new')]);
        const { texts } = await listen(log, [{ topic, partition: 3, offset: 1 }]);
        await until(() => texts.length > 0, 'the stated partition is read');
        await log.append([{ topic, key: 'k', value: 'last', partition: 4 }]);
        await until(() => texts.length > 1, 'the other partitions are read');
        expect(texts).toEqual(['new', 'last']);
      });

      it('repeats what the handler rejects, and stops at close', async () => {
        await fill(5);
        const attempts: string[][] = [];
        const subscription = await log.broadcast({
          topics: [topic],
          from: 'beginning',
          handle: (records) => {
            attempts.push(textsOf(records));
            if (attempts.length === 1) throw new Error('not now');
          },
        });
        await until(() => new Set(attempts.slice(1).flat()).size === 5, 'everything is read');
        expect(attempts[1]).toEqual(attempts[0]);
        await subscription.close();
        const before = attempts.length;
        await fill(5);
        await sleep(300);
        expect(attempts).toHaveLength(before);
      });

      it('takes no part in groups', async () => {
        await fill(20);
        const member = await join(log);
        await listen(await connect('listener'), 'beginning');
        await until(() => member.records.length === 20, 'the group has everything');
        expect(member.subscription.owned()).toEqual(ALL);
        expect(await endOf(0)).toBeGreaterThanOrEqual(0);
      });
    });
  });
}

/** A subscriber that remembers what it was given. */
class Member {
  subscription!: Subscription;
  /** Every attempt, repeated ones too. */
  readonly batches: OwnedBatch[] = [];
  /** Records of attempts that have resolved. */
  readonly handled: LogRecord[] = [];
  mostAtOnce = 0;
  /** A dead process sees nothing. */
  isKilled = false;
  private atOnce = 0;

  get records(): LogRecord[] {
    return this.batches.flatMap(({ records }) => [...records]);
  }

  async observe(batch: OwnedBatch, handle: (batch: OwnedBatch) => Promise<void>): Promise<void> {
    if (this.isKilled) throw new Error('this process is dead');
    this.batches.push(batch);
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    try {
      await handle(batch);
      this.handled.push(...batch.records);
    } finally {
      this.atOnce -= 1;
    }
  }
}

async function until(condition: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
  for (const deadline = performance.now() + timeoutMs; !condition(); await sleep(10)) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeoutMs} ms in vain: ${what}`);
  }
}

function textsOf(records: readonly LogRecord[]): string[] {
  return records.map(({ value }) => value.toString());
}

function placesOf(records: readonly LogRecord[]): string[] {
  return records.map(({ topic, partition, offset }) => `${topic}/${partition}@${offset}`).sort();
}

/** Each partition's offsets run from 0 without a hole, a repetition or a step back. */
function expectGapless(records: readonly LogRecord[]): void {
  const next = new Map<number, number>();
  for (const { partition, offset } of records) {
    expect(offset).toBe(next.get(partition) ?? 0);
    next.set(partition, offset + 1);
  }
}
