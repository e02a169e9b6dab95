/** Every bench: what it measures, the built module that runs it, and what Node is told besides. */
export const BENCHES = {
  ingress: {
    summary: 'CPU of the ingress process for each accepted signal, beside a bare route that verifies an HMAC',
    entry: 'apps/e2e/dist/bench/ingress.js',
  },
  pipeline: {
    summary: 'signals accepted to executed, on Kafka and on the embedded log, beside a bare three-hop loop',
    entry: 'apps/e2e/dist/bench/pipeline.js',
    // It reads the outcomes while it measures: helpers of a collection would take the processors from what is measured.
    nodeOptions: ['--v8-pool-size=1'],
  },
  ticks: {
    summary: 'CPU of the tick dispatcher for each callback, beside undici and got; latencies from the close of a tick',
    entry: 'apps/e2e/dist/bench/ticks.js',
  },
};
