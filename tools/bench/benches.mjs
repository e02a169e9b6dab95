/** Every bench: what it measures, and the built module that runs it. */
export const BENCHES = {
  ingress: {
    summary: 'CPU of the ingress process for each accepted signal, beside a bare route that verifies an HMAC',
    entry: 'apps/e2e/dist/bench/ingress.js',
  },
  pipeline: {
    summary: 'signals accepted to executed, on Kafka and on the embedded log, beside a bare three-hop loop',
    entry: 'apps/e2e/dist/bench/pipeline.js',
  },
  ticks: {
    summary: 'CPU of the tick dispatcher for each callback, beside undici and got; latencies from the close of a tick',
    entry: 'apps/e2e/dist/bench/ticks.js',
  },
};
