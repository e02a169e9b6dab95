import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { parseProcessors, Processors } from './processors.js';

it.each([
  ['0-1', [0, 1]],
  ['0', [0]],
  ['1,3-5,8', [1, 3, 4, 5, 8]],
])('reads the list %s', (list, processors) => {
  expect(parseProcessors(`Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${list}\nThreads:\t7\n`)).toEqual(
    processors,
  );
});

it('sets one process of a family apart, and gives all of them everything again', async () => {
  const family = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [line] = (await once(family.stdout, 'data')) as [Buffer];
  const child = Number(line.toString());
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
  const processors = await Processors.of(family.pid!);
  const allowed = async (pid: number): Promise<number[]> =>
    parseProcessors(await readFile(`/proc/${pid}/status`, 'latin1'));
  try {
    if (!processors) return; // one processor, or no taskset
    const all = await allowed(process.pid);
    await processors.setApart([child]);
    expect(await allowed(child)).toEqual(all.slice(0, 1));
    expect(await allowed(family.pid!)).toEqual(all.slice(1));
    expect(await allowed(stranger.pid!)).toEqual(all);
    await processors.share();
    expect(await allowed(child)).toEqual(all);
    expect(await allowed(family.pid!)).toEqual(all);
  } finally {
    process.kill(child);
    family.kill();
    stranger.kill();
  }
});
