/** `npm run bench -- pipeline`. */
import { readPipelineOptions, USAGE } from './pipeline/options.js';
import { runPipeline } from './pipeline/run-pipeline.js';
import { runBench } from './run-bench.js';

await runBench({ usage: USAGE, readOptions: readPipelineOptions, run: runPipeline });
