/** Where a bench writes. */
export interface Output {
  /** Progress, a line at a time. */
  progress(line: string): void;
  /** The report. */
  print(line: string): void;
}

export interface BenchCommand<Options> {
  usage: string;
  /** @returns undefined when help is asked for. @throws TypeError that names the option that is wrong */
  readOptions(args: readonly string[]): Options | undefined;
  run(options: Options, output: Output, stopped: AbortSignal): Promise<void>;
}

/** The `main` of a bench: options, help, progress on stderr, the report on stdout, Ctrl-C. */
export async function runBench<Options>({ usage, readOptions, run }: BenchCommand<Options>): Promise<void> {
  let options: Options | undefined;
  try {
    options = readOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    process.exit(2);
  }
  if (options === undefined) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }

  // The first Ctrl-C lets the present run end and stops what was started; the second does not wait.
  const stopping = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping.signal.aborted) process.exit(1);
      process.stderr.write('bench: stopping after this run; once more stops at once\n');
      stopping.abort(new Error('stopped'));
    });
  }
  const output: Output = {
    progress: (line) => void process.stderr.write(`bench: ${line}\n`),
    print: (line) => void process.stdout.write(`${line}\n`),
  };
  try {
    await run(options, output, stopping.signal);
  } catch (error) {
    process.stderr.write(`bench: ${stopping.signal.aborted ? 'stopped' : (error as Error).stack}\n`);
    process.exitCode = 1;
  }
}
