/**
 * Loaded into a measured process before its own code (`--import`): answers its parent over IPC what processor time the
 * process has used, and records CPU profiles. Costs nothing while nobody asks.
 */
import { writeFile } from 'node:fs/promises';
import { Session, type Profiler } from 'node:inspector/promises';

export type ToProbe = { ask: 'cpu' } | { ask: 'start profile' } | { ask: 'end profile'; file: string };
export type FromProbe = { cpuUs: number } | { done: true } | { failure: string };

const SAMPLING_INTERVAL_US = 200;
let session: Session | undefined;

async function answer(message: ToProbe): Promise<FromProbe> {
  if (message.ask === 'cpu') {
    const { user, system } = process.cpuUsage();
    return { cpuUs: user + system };
  }
  if (message.ask === 'start profile') {
    session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: SAMPLING_INTERVAL_US });
    await session.post('Profiler.start');
  } else {
    const { profile } = (await session!.post('Profiler.stop')) as { profile: Profiler.Profile };
    session!.disconnect();
    await writeFile(message.file, JSON.stringify(profile));
  }
  return { done: true };
}

/** Only where a parent started it so; the types above are imported elsewhere too. */
if (process.send !== undefined && process.env['BENCH_PROBE'] === '1') {
  process.on('message', (message: ToProbe) => {
    answer(message).then(
      (reply) => process.send!(reply),
      (error: unknown) => process.send!({ failure: String(error) } satisfies FromProbe),
    );
  });
  // The parent is gone: end as the process would in a deployment.
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  // The listener must not keep a process alive that has nothing else to do.
  process.channel?.unref();
}
