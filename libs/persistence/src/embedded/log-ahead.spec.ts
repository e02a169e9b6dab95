import { tmpdir } from 'node:os';
import { makeLogAhead } from './log-ahead.js';

it('leaves a disk alone on which the log would take more than a quarter of what is free', async () => {
  expect(await makeLogAhead('postgresql://nobody@127.0.0.1:1/nothing', tmpdir(), 2 ** 60)).toBe(0);
});
