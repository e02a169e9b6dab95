import { Counter, type Registry } from 'prom-client';

/** What operators see of this app, beside the process' own figures. */
export class ApiMetrics {
  private readonly lifecycleEvents: Counter<'type'>;

  /** @param registry may hold these metrics already, from an earlier start in the same process */
  constructor(registry: Registry) {
    const name = 'tickwire_api_lifecycle_events_total';
    this.lifecycleEvents =
      (registry.getSingleMetric(name) as Counter<'type'> | undefined) ??
      new Counter({
        name,
        help: 'Lifecycle events stored in the history',
        labelNames: ['type'],
        registers: [registry],
      });
  }

  projected(events: readonly { type: string }[]): void {
    for (const { type } of events) this.lifecycleEvents.inc({ type });
  }
}
