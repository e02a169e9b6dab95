import type { ChildProcessWithoutNullStreams } from 'node:child_process';

/** An example that goes on beside the reader, such as a server. bash becomes its single command, so signals reach it. */
export class RunningExample {
  /** All that it has printed so far, to either stream. */
  output = '';
  private readonly ended: Promise<number | NodeJS.Signals>;

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.output += chunk.toString()));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => resolve(code ?? signal!));
    });
    // Whoever stops it is told; until then nobody waits.
    this.ended.catch(() => undefined);
  }

  /** @returns lines of the output that match */
  lines(pattern: RegExp): string[] {
    return this.output.split('\n').filter((line) => pattern.test(line));
  }

  /** @returns its exit code, or the signal that has ended it */
  async stop(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    return this.ended;
  }
}
