import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PRELOAD = new URL('end-at-step.mjs', import.meta.url).href;
const PASSES_THREE_TIMES = `
  import { channel } from 'node:diagnostics_channel';
  const steps = channel('tickwire.steps');
  for (const time of [1, 2, 3]) {
    steps.publish('a.step');
    steps.publish('another.step');
    console.log(time);
  }
`;

describe('the preload that ends a process at a step', () => {
  let folder: string;
  let mark: string;

  const run = (failpoint?: string) =>
    spawnSync(process.execPath, ['--import', PRELOAD, '--input-type=module', '-e', PASSES_THREE_TIMES], {
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        TICKWIRE_FAILPOINT_MARK: mark,
        ...(failpoint === undefined ? {} : { TICKWIRE_FAILPOINT: failpoint }),
      },
    });

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'tickwire-step-'));
    mark = path.join(folder, 'reached');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('kills at the wanted occurrence of the wanted step, before anything that follows, and leaves its mark', () => {
    const { signal, stdout } = run('a.step:3');
    expect([signal, stdout]).toEqual(['SIGKILL', '1\n2\n']);
    expect(readFileSync(mark, 'utf8')).toBe('a.step');
  });

  it.each([undefined, 'a.step:4', 'no.step:1'])('leaves a process alone that does not reach %s', (failpoint) => {
    const { status, signal, stdout } = run(failpoint);
    expect([status, signal, stdout]).toEqual([0, null, '1\n2\n3\n']);
    expect(existsSync(mark)).toBe(false);
  });

  it.each(['a.step:0', 'a.step:often'])('refuses to start with %s', (failpoint) => {
    const { status, stderr } = run(failpoint);
    expect(status).not.toBe(0);
    expect(stderr).toContain('<label>:<nth>');
  });
});
