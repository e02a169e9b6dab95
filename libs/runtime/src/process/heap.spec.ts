import { execFileSync } from 'node:child_process';
import { HEAP_FLAGS } from './heap.js';

// Set while a process runs, a flag that V8 does not know is passed over, and the app goes on without it.
it.each(HEAP_FLAGS)("V8 knows %s, and its name is on V8's list", (flag) => {
  const node = (...args: string[]): string => execFileSync(process.execPath, args, { encoding: 'utf8', stdio: 'pipe' });
  expect(() => node(flag, '--eval', '0')).not.toThrow();
  const name = flag.replace(/^--(no-)?/, '').replace(/=.*/, '');
  expect(node('--v8-options')).toMatch(new RegExp(`--(\\[no-\\])?${name}\\b`));
});
