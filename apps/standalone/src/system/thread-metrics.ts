import { once } from 'node:events';
import type { MessagePort } from 'node:worker_threads';
import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client';

/** What a registry holds, as data that can cross to another thread. */
export type MetricsReport = MetricObjectWithValues<MetricValue<string>>[];

/** A thread that tells its metrics when it is asked. */
export interface ReportingThread {
  /** Value of the label `thread` on everything that the thread tells. */
  name: string;
  /** Told the metrics over the port that it was sent. */
  ask(answer: MessagePort): void;
}

/** A scrape waits this long for a thread: a tick of a large world may take a good part of a second. */
const ANSWER_WITHIN_MS = 2_000;
const ANSWERED = 'tickwire_thread_answered';

/** In the thread: answers a question of {@link serveThreadMetrics}. Never rejects: what cannot be told is no answer. */
export async function reportMetrics(registry: Registry, answer: MessagePort): Promise<void> {
  try {
    answer.postMessage(ownMetrics(await registry.getMetricsAsJSON()));
  } catch {
    answer.postMessage(undefined);
  } finally {
    answer.close();
  }
}

/** What Node says of the whole process is said by the main thread already. */
function ownMetrics(metrics: readonly unknown[]): MetricsReport {
  return (metrics as MetricsReport).filter(({ name }) => !name.startsWith('process_'));
}

/**
 * From now on `registry.metrics()` also gives what the threads have, each value with the label `thread`; the main thread's
 * own are unchanged. A thread that does not answer in time is left out, and the gauge `tickwire_thread_answered` is 0 for it.
 */
export function serveThreadMetrics(
  registry: Registry,
  threads: readonly ReportingThread[],
  answerWithinMs = ANSWER_WITHIN_MS,
): void {
  // The management server asks the registry for its text, and a registry has no way to add series to a metric that it holds.
  registry.metrics = async () => {
    const [own, reports] = await Promise.all([
      registry.getMetricsAsJSON() as Promise<unknown> as Promise<MetricsReport>,
      Promise.all(threads.map(async (thread) => ({ thread, report: await askThread(thread, answerWithinMs) }))),
    ]);
    const told = reports.map(({ thread, report }) => labelled(report ?? [], thread.name));
    const answered = reports.map(({ thread, report }) => ({
      value: report ? 1 : 0,
      labels: { thread: thread.name },
    }));
    const help = 'Whether a thread of the process told its metrics in time for this scrape';
    const presence = { name: ANSWERED, help, type: 'gauge', values: answered } as unknown as MetricsReport[number];
    // No two series have the same labels, so that none is added to another: `sum` only puts them side by side.
    const all = [own, ...told, [presence]].map((report) =>
      report.map((metric) => ({ ...metric, aggregator: 'sum' as const })),
    );
    return AggregatorRegistry.aggregate(all).metrics();
  };
}

function labelled(report: MetricsReport, thread: string): MetricsReport {
  return report.map((metric) => ({
    ...metric,
    values: metric.values.map((value) => ({ ...value, labels: { ...value.labels, thread } })),
  }));
}

async function askThread(thread: ReportingThread, withinMs: number): Promise<MetricsReport | undefined> {
  const { port1, port2 } = new MessageChannel();
  try {
    thread.ask(port2);
    const [report] = await once(port1, 'message', { signal: AbortSignal.timeout(withinMs) });
    return report as MetricsReport | undefined;
  } catch {
    return undefined; // late, or gone: readiness tells of that
  } finally {
    port1.close();
  }
}
