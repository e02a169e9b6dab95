import { Counter, Gauge, type Registry } from 'prom-client';
import type { ConsumerProgress, EventLog } from '../port.js';

const NAMES = {
  lag: 'tickwire_consumer_lag_records',
  stopped: 'tickwire_consumer_stopped_partitions',
  expired: 'tickwire_consumer_expired_records_total',
} as const;

type Source = Pick<EventLog, 'consumers'>;

/** Apps of one process have a log each and share a registry: the metrics are registered once and ask them all. */
const watchedBy = new WeakMap<Registry, Set<Source>>();

/**
 * Puts how the log's consumers stand on `registry`, read at each scrape from what the log knows anyway. Watching a log
 * twice is watching it once.
 * @returns ends it; with the last log of a registry its metrics go
 */
export function watchConsumers(registry: Registry, log: Source): () => void {
  let logs = watchedBy.get(registry);
  if (!logs) {
    logs = new Set();
    watchedBy.set(registry, logs);
    register(registry, logs);
  }
  const watched = logs.add(log);
  return () => {
    if (!watched.delete(log) || watched.size > 0 || watchedBy.get(registry) !== watched) return;
    watchedBy.delete(registry);
    for (const name of Object.values(NAMES)) registry.removeSingleMetric(name);
  };
}

function register(registry: Registry, logs: ReadonlySet<Source>): void {
  const registers = [registry];
  const consumers = (): ConsumerProgress[] => [...logs].flatMap((log) => log.consumers());
  new Gauge({
    name: NAMES.lag,
    help: 'Records between the position of a group and the end of a partition that this process owns',
    labelNames: ['group', 'topic', 'partition'],
    registers,
    collect() {
      // Partitions that went to another process are told by it.
      this.reset();
      for (const { group, partitions } of consumers())
        for (const { topic, partition, lag } of partitions) this.set({ group, topic, partition }, lag);
    },
  });
  new Gauge({
    name: NAMES.stopped,
    help: 'Partitions whose position lies outside the log: nothing of them is read until an operator has dealt with it',
    labelNames: ['group', 'topic'],
    registers,
    collect() {
      this.reset();
      for (const { group, partitions } of consumers())
        for (const { topic, isStopped } of partitions) this.inc({ group, topic }, isStopped ? 1 : 0);
    },
  });
  new Counter({
    name: NAMES.expired,
    help: 'Records of perishable topics that expired before the group read them, and were passed over',
    labelNames: ['group', 'topic'],
    registers,
    collect() {
      this.reset();
      for (const { group, expired } of consumers())
        for (const [topic, count] of expired) this.inc({ group, topic }, count);
    },
  });
}
