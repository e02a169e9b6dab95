import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './free-ports.js';
import { Oracle } from './oracle.js';
import { SignalSender, type SentSignal } from './signal-sender.js';
import { StandaloneProcess } from './standalone-process.js';
import { DEFAULT_PARTITIONS } from '@tickwire/event-log';
import { verifyWorlds } from '@tickwire/execution';
import { createPool } from '@tickwire/persistence';
import { eventually } from '@tickwire/testing';
import type { DevFile } from '@tickwire/standalone';

// The whole standalone system as a process of its own: start it, load it, kill it.
describe('exactly once, standalone', () => {
  let system: StandaloneProcess;
  let dev: DevFile;
  let sender: SignalSender;
  let oracle: Oracle | undefined;
  const sent: SentSignal[] = [];

  const expectExactlyOnce = async (): Promise<void> => {
    // A restart may have moved the database to another port.
    await oracle?.close();
    oracle = new Oracle(system.databaseUrl);
    const verdict = await oracle.judge(dev.accountId!, sent);
    // The demo's own first signal is one more.
    expect(verdict).toEqual({
      final: sent.length,
      lost: [],
      doubled: [],
      executions: sent.length + starts,
      position: sent.length + starts,
      filled: sent.length + starts,
    });
  };
  let starts = 0;

  beforeAll(async () => {
    system = new StandaloneProcess(mkdtempSync(path.join(tmpdir(), 'tickwire-e2e-')), await freePorts(4), [
      '--tick-ms',
      '500',
    ]);
    dev = await system.start();
    starts += 1;
    sender = new SignalSender(dev);
  }, 120_000);

  afterAll(async () => {
    await sender?.close();
    await oracle?.close();
    await system?.remove();
  }, 60_000);

  it('gives 1,000 signals sent at once exactly one final event each, and a position that is the sum of the fills', async () => {
    sent.push(...(await sender.send(1_000, { concurrency: 200 })));
    await expectExactlyOnce();
  }, 120_000);

  it('does so when the process is killed, its database left running', async () => {
    const sending = sender.send(300, { concurrency: 30 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await system.kill();
    await system.start();
    starts += 1;
    sent.push(...(await sending));
    await expectExactlyOnce();
  }, 180_000);

  it('does so when process and database are killed together', async () => {
    const sending = sender.send(300, { concurrency: 30 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    await system.killWithDatabase();
    await system.start();
    starts += 1;
    sent.push(...(await sending));
    await expectExactlyOnce();
  }, 180_000);

  it('has ticked its world through all of that: a replay from tick 0 gives the recorded hash at every tick, none missing', async () => {
    const pool = createPool({ connectionString: system.databaseUrl, applicationName: 'proof', max: 1 });
    const ticks = async () =>
      Number((await pool.query<{ tick: string }>('SELECT "tick" FROM "world_state"')).rows[0]?.tick);
    const before = await ticks();
    try {
      await eventually(ticks, (now) => now > before + 2); // it goes on after the last kill, too
      const [proof] = await verifyWorlds(pool, DEFAULT_PARTITIONS);
      expect(proof!.worldId).toBe(dev.worldId);
      expect(proof!.ticks).toBeGreaterThan(before);
    } finally {
      await pool.end();
    }
  });
});
