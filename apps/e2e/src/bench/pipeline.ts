/** `npm run bench -- pipeline`. */
import { readPipelineOptions, USAGE, type PipelineOptions } from './pipeline/options.js';
import { runPipeline } from './pipeline/run-pipeline.js';

let options: PipelineOptions | undefined;
try {
  options = readPipelineOptions(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
  process.exit(2);
}
if (!options) {
  process.stdout.write(`${USAGE}\n`);
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
try {
  await runPipeline(
    options,
    {
      progress: (line) => void process.stderr.write(`bench: ${line}\n`),
      print: (line) => void process.stdout.write(`${line}\n`),
    },
    stopping.signal,
  );
} catch (error) {
  process.stderr.write(`bench: ${stopping.signal.aborted ? 'stopped' : (error as Error).stack}\n`);
  process.exitCode = 1;
}
