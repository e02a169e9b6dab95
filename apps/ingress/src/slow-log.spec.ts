import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { addSender, openDoor, post, signalOf, type Answer, type Door, type Sender } from '../fixtures/door.js';
import { setSettings } from '../fixtures/door-senders.js';
import { UnreliableLog } from '../fixtures/unreliable-log.js';

const MAX_WAITING = 50;
const AT_ONCE = 100;
const REQUESTS = 1_500;
const BODY_BYTES = 60_000;
/** Of the bytes that were sent, a small part: 90 MB came in. */
const MOST_GROWN = 25_000_000;
/** Less than this from one collection to the next: there is nothing left to count off. */
const SETTLED = 500_000;
const LIMITS = { tenantPerMinute: 1_000_000, botPerMinute: 1_000_000, accountPerMinute: 1_000_000, burst: 100_000 };

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What is alive, bytes; the requests of this very process included. Buffers of a collection are counted off after it. */
async function held(): Promise<number> {
  for (let last = Infinity; ; await sleep(100)) {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    const now = heapUsed + external;
    if (now > last - SETTLED) return now;
    last = now;
  }
}

describe('while the log is slow the door', () => {
  const log = new UnreliableLog();
  let database: TestDatabase;
  let door: Door;
  let sender: Sender;

  beforeAll(async () => {
    database = await testDatabase();
    const where = { pool: database.pool(), connectionString: database.connectionString };
    door = await openDoor(where, { config: { MAX_WAITING_APPENDS: MAX_WAITING }, around: log.around });
    sender = await addSender(database.pool());
    await setSettings(database.pool(), sender.tenantId, { limits: LIMITS });
  });
  const release = (): void => {
    log.fault = 'none';
    for (const resume of log.held.splice(0)) resume();
  };
  afterAll(async () => {
    release();
    await door.close();
    await database.drop();
  });

  const send = (signalId: string): Promise<Answer> =>
    post(door, signalOf(sender, { signalId }).padEnd(BODY_BYTES), { authorization: `Bearer ${sender.apiKey}` });
  /** @returns the codes of the refusals, each once */
  async function flood(name: string, count: number): Promise<Set<unknown>> {
    const codes = new Set<unknown>();
    let next = 0;
    const line = async (): Promise<void> => {
      while (next < count) codes.add((await send(`${name}-${next++}`)).body['code']);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, line));
    return codes;
  }

  it('lets a bounded number of signals wait, refuses the rest at once, and holds no more memory for many than for few', async () => {
    log.fault = 'hangs';
    const waiting = Array.from({ length: MAX_WAITING }, (_, index) => send(`waits-${index}`));
    while (log.held.length < MAX_WAITING) await sleep(1);
    expect(await flood('first', 300)).toEqual(new Set(['UNAVAILABLE']));
    const before = await held();
    expect(await flood('then', REQUESTS)).toEqual(new Set(['UNAVAILABLE']));
    expect((await held()) - before).toBeLessThan(MOST_GROWN);
    expect(log.held).toHaveLength(MAX_WAITING);
    release();
    expect(new Set((await Promise.all(waiting)).map(({ status }) => status))).toEqual(new Set([202]));
    expect((await send('first-0')).status).toBe(202);
  }, 120_000);
});
