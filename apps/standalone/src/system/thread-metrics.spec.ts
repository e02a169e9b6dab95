import { Worker } from 'node:worker_threads';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import { reportMetrics, serveThreadMetrics, type ReportingThread } from './thread-metrics.js';

describe('the metrics of a thread', () => {
  let main: Registry;
  let thread: Registry;
  const answering = (name = 'worlds'): ReportingThread => ({
    name,
    ask: (port) => void reportMetrics(thread, port),
  });
  const lines = async (name: string): Promise<string[]> =>
    (await main.metrics()).split('\n').filter((line) => line.startsWith(name));

  beforeEach(() => {
    main = new Registry();
    thread = new Registry();
  });

  it('are on the page beside those of the main thread, told apart by a label', async () => {
    new Counter({ name: 'ticks_total', help: 'Ticks', labelNames: ['kind'], registers: [main] }).inc({ kind: 'a' }, 2);
    new Counter({ name: 'ticks_total', help: 'Ticks', labelNames: ['kind'], registers: [thread] }).inc(
      { kind: 'a' },
      5,
    );
    new Gauge({ name: 'worlds', help: 'Worlds', registers: [thread] }).set(3);
    serveThreadMetrics(main, [answering()]);
    const page = await main.metrics();
    expect(page.match(/# TYPE ticks_total counter/g)).toHaveLength(1);
    expect(page).toContain('ticks_total{kind="a"} 2\n');
    expect(page).toContain('ticks_total{kind="a",thread="worlds"} 5\n');
    expect(page).toContain('worlds{thread="worlds"} 3\n');
    expect(page).toContain('tickwire_thread_answered{thread="worlds"} 1\n');
  });

  it('keep the buckets of a histogram', async () => {
    const histogram = { name: 'lag_seconds', help: 'Lag', buckets: [0.1, 1] };
    new Histogram({ ...histogram, registers: [main] }).observe(0.05);
    new Histogram({ ...histogram, registers: [thread] }).observe(0.5);
    serveThreadMetrics(main, [answering()]);
    expect(await lines('lag_seconds')).toEqual([
      'lag_seconds_bucket{le="0.1"} 1',
      'lag_seconds_bucket{le="1"} 1',
      'lag_seconds_bucket{le="+Inf"} 1',
      'lag_seconds_sum 0.05',
      'lag_seconds_count 1',
      'lag_seconds_bucket{le="0.1",thread="worlds"} 0',
      'lag_seconds_bucket{le="1",thread="worlds"} 1',
      'lag_seconds_bucket{le="+Inf",thread="worlds"} 1',
      'lag_seconds_sum{thread="worlds"} 0.5',
      'lag_seconds_count{thread="worlds"} 1',
    ]);
  });

  it("change nothing of the main thread's series, and repeat nothing that is the process'", async () => {
    for (const registry of [main, thread]) collectDefaultMetrics({ register: registry });
    const series = (page: string): string[] =>
      page
        .split('\n')
        .filter((line) => line && !line.startsWith('#'))
        .map((line) => line.slice(0, line.lastIndexOf(' ')));
    const before = series(await main.metrics());
    serveThreadMetrics(main, [answering()]);
    const after = series(await main.metrics());
    expect(after.filter((each) => !each.includes('thread="worlds"'))).toEqual(expect.arrayContaining(before));
    expect(after).toContain('nodejs_eventloop_lag_p99_seconds{thread="worlds"}');
    expect(after.filter((each) => each.startsWith('process_') && each.includes('thread='))).toEqual([]);
  });

  it('are left out, and said to be, when the thread does not answer in time or is gone', async () => {
    new Counter({ name: 'requests_total', help: 'Requests', registers: [main] }).inc();
    const silent: ReportingThread = { name: 'silent', ask: () => undefined };
    const gone: ReportingThread = {
      name: 'gone',
      ask: () => {
        throw new Error('the thread has ended');
      },
    };
    serveThreadMetrics(main, [silent, gone, answering()], 30);
    const page = await main.metrics();
    expect(page).toContain('requests_total 1\n');
    expect(page).toContain('tickwire_thread_answered{thread="silent"} 0\n');
    expect(page).toContain('tickwire_thread_answered{thread="gone"} 0\n');
    expect(page).toContain('tickwire_thread_answered{thread="worlds"} 1\n');
  });

  it('that cannot be told cost no more than themselves', async () => {
    new Gauge({ name: 'broken', help: 'Broken', registers: [thread], collect: () => Promise.reject(new Error('no')) });
    serveThreadMetrics(main, [answering()], 60_000);
    expect(await main.metrics()).toContain('tickwire_thread_answered{thread="worlds"} 0\n');
  });

  it('cross from a real thread', async () => {
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       parentPort.on('message', ({ answer }) => {
         answer.postMessage([{ name: 'late_ticks_total', help: 'Late', type: 'counter', values: [{ value: 7, labels: {} }] }]);
         answer.close();
       });`,
      { eval: true },
    );
    try {
      const ask: ReportingThread['ask'] = (answer) => worker.postMessage({ answer }, [answer]);
      serveThreadMetrics(main, [{ name: 'worlds', ask }], 10_000);
      expect(await main.metrics()).toContain('late_ticks_total{thread="worlds"} 7\n');
    } finally {
      await worker.terminate();
    }
  });
});
