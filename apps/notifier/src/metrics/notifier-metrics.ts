import { Counter, Gauge, type Registry } from 'prom-client';
import type { AttemptResult } from '../deliveries/delivery.js';

/** Counting beyond this would cost more than it tells. */
const MOST_COUNTED = 100_000;
/** Scrapes may come from several places: the database is asked once in this time. */
const SAMPLE_MS = 10_000;

export interface BacklogSource {
  backlog(most: number): Promise<{ pending: number; oldestDueS: number }>;
}

/** What operators see of the notifier; without labels that name tenants or endpoints. */
export class NotifierMetrics {
  private readonly attempts: Counter<'result'>;
  private readonly prunedEvents: Counter;
  private readonly names: string[] = [];
  private sampledAtMs = -Infinity;
  private sample: Promise<{ pending: number; oldestDueS: number }> = Promise.resolve({ pending: 0, oldestDueS: 0 });

  constructor(
    private readonly registry: Registry,
    source: BacklogSource,
    stats: () => { inFlight: number; held: number },
  ) {
    this.attempts = new Counter({
      name: this.named('tickwire_notifier_attempts_total'),
      help: 'Callback attempts by what they did to their delivery: delivered, pending (will be retried), exhausted',
      labelNames: ['result'],
      registers: [registry],
    });
    this.prunedEvents = new Counter({
      name: this.named('tickwire_notifier_pruned_total'),
      help: 'Events that this process deleted, with their deliveries and attempts, because their retention was over',
      registers: [registry],
    });
    this.gauge('tickwire_notifier_in_flight', 'Callback attempts in flight in this process', () => stats().inFlight);
    this.gauge('tickwire_notifier_pending', `Deliveries not settled yet, counted up to ${MOST_COUNTED}`, async () => {
      return (await this.backlog(source)).pending;
    });
    this.gauge(
      'tickwire_notifier_oldest_due_seconds',
      'How long the oldest due delivery has waited for its attempt',
      async () => {
        return (await this.backlog(source)).oldestDueS;
      },
    );
  }

  readonly settled = ({ status }: AttemptResult): void => this.attempts.inc({ result: status });

  readonly pruned = (events: number): void => this.prunedEvents.inc(events);

  /** Another notifier may register in the same process later. */
  remove(): void {
    for (const name of this.names) this.registry.removeSingleMetric(name);
  }

  private gauge(name: string, help: string, read: () => number | Promise<number>): void {
    new Gauge({
      name: this.named(name),
      help,
      registers: [this.registry],
      async collect() {
        // Without a database the last value stays: all other metrics have to be served.
        const value = await Promise.resolve(read()).catch(() => undefined);
        if (value !== undefined) this.set(value);
      },
    });
  }

  private named(name: string): string {
    this.names.push(name);
    return name;
  }

  private backlog(source: BacklogSource): Promise<{ pending: number; oldestDueS: number }> {
    const nowMs = performance.now();
    if (nowMs - this.sampledAtMs >= SAMPLE_MS) {
      this.sampledAtMs = nowMs;
      this.sample = source.backlog(MOST_COUNTED);
    }
    return this.sample;
  }
}
