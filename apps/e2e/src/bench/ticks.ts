/** `npm run bench -- ticks`. */
import { runBench } from './run-bench.js';
import { readTicksOptions, USAGE } from './ticks/options.js';
import { runTicks } from './ticks/run-ticks.js';

await runBench({ usage: USAGE, readOptions: readTicksOptions, run: runTicks });
