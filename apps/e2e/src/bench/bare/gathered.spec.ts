import { gathered } from './gathered.js';

/** A flush that ends when it is told to. */
function manualFlush() {
  const calls: { items: number[]; resolve: () => void; reject: (error: Error) => void }[] = [];
  const flush = (items: number[]) =>
    new Promise<void>((resolve, reject) => {
      calls.push({ items, resolve, reject });
    });
  return { calls, flush };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

it('flushes at once when nothing is under way, and gathers what comes meanwhile into the next flush', async () => {
  const { calls, flush } = manualFlush();
  const append = gathered(flush);
  const done: string[] = [];
  void append([1, 2]).then(() => done.push('first'));
  await turn();
  void append([3]).then(() => done.push('second'));
  void append([4, 5]).then(() => done.push('third'));
  await turn();
  expect(calls.map(({ items }) => items)).toEqual([[1, 2]]);
  calls[0]!.resolve();
  await turn();
  expect(done).toEqual(['first']);
  expect(calls.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  calls[1]!.resolve();
  await turn();
  expect(done).toEqual(['first', 'second', 'third']);
});

it('tells a failure to those whose items were in that flush, and goes on with the next', async () => {
  const { calls, flush } = manualFlush();
  const append = gathered(flush);
  const first = append([1]).catch((error: Error) => error.message);
  await turn();
  const second = append([2]);
  calls[0]!.reject(new Error('refused'));
  expect(await first).toBe('refused');
  await turn();
  calls[1]!.resolve();
  await expect(second).resolves.toBeUndefined();
});
