import { setTimeout as sleep } from 'node:timers/promises';
import type { LogSink, Position } from '../port.js';
import { OffsetCommitter } from './offset-committer.js';

const SILENT: LogSink = { info: () => {}, warn: () => {}, error: () => {} };
const at = (offset: number, partition = 0): Position => ({ topic: 't', partition, offset });

describe('OffsetCommitter', () => {
  it('commits what many advances came to at once, the highest of each partition', async () => {
    const commits: (readonly Position[])[] = [];
    const committer = new OffsetCommitter(async (positions) => void commits.push(positions), 20, SILENT);
    for (const position of [at(1), at(5), at(3), at(2, 1)]) committer.advance(position);
    expect(commits).toEqual([]);
    await committer.finish();
    expect(commits).toEqual([[at(5), at(2, 1)]]);
  });

  it('has one commit in flight, and the last one waits for it', async () => {
    let inFlight = 0;
    let most = 0;
    const committer = new OffsetCommitter(
      async () => {
        most = Math.max(most, ++inFlight);
        await sleep(30);
        inFlight -= 1;
      },
      1,
      SILENT,
    );
    for (let offset = 1; offset < 10; offset++) {
      committer.advance(at(offset));
      await sleep(5);
    }
    await committer.finish();
    expect([most, inFlight]).toEqual([1, 0]);
  });

  it('brings a failed commit again with the next, unless something higher has come', async () => {
    const commits: (readonly Position[])[] = [];
    let failures = 1;
    const committer = new OffsetCommitter(
      async (positions) => {
        commits.push(positions);
        if (failures-- > 0) throw new Error('rebalancing');
      },
      5,
      SILENT,
    );
    committer.advance(at(4));
    committer.advance(at(7, 1));
    while (commits.length < 1) await sleep(1);
    committer.advance(at(9));
    await committer.finish();
    expect(commits[0]).toEqual([at(4), at(7, 1)]);
    expect([...commits.at(-1)!].sort((a, b) => a.partition - b.partition)).toEqual([at(9), at(7, 1)]);
  });

  it('sleeps when nothing moves, and forgets what comes after the end', async () => {
    let commits = 0;
    const committer = new OffsetCommitter(async () => void commits++, 1, SILENT);
    committer.advance(at(1));
    await committer.finish();
    committer.advance(at(2));
    await sleep(20);
    expect(commits).toBe(1);
  });
});
