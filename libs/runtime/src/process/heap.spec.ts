import { execFileSync } from 'node:child_process';

// V8 passes over flags that it does not know, and an app would go on with a heap that is three times the work.
it.each(['heap-growing-percent', 'allocation-site-pretenuring'])('V8 knows the flag --%s', (flag) => {
  const known = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  expect(known).toMatch(new RegExp(`--(\\[no-\\])?${flag}\\b`));
});
