/** `npm run bench -- ingress`. */
import { readIngressOptions, USAGE } from './ingress/options.js';
import { runIngress } from './ingress/run-ingress.js';
import { runBench } from './run-bench.js';

await runBench({ usage: USAGE, readOptions: readIngressOptions, run: runIngress });
