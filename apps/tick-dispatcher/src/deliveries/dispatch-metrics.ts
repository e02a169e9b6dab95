import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { AgentControl, AgentDelivery } from '@tickwire/contracts';

const NAMES = {
  deliveries: 'tickwire_tick_dispatcher_deliveries_total',
  dropped: 'tickwire_tick_dispatcher_carried_dropped_total',
  commands: 'tickwire_tick_dispatcher_commands_total',
  lag: 'tickwire_tick_dispatcher_tick_lag_seconds',
  inFlight: 'tickwire_tick_dispatcher_in_flight',
  waiting: 'tickwire_tick_dispatcher_waiting',
} as const;

/** What operators see of the dispatcher. No ids in labels: a world may have 100 000 agents. */
export class DispatchMetrics {
  /** Found once: a lookup by labels costs more than the count. */
  private readonly byOutcome: Record<AgentDelivery['outcome'], { inc(): void }>;
  private readonly dropped: Counter;
  private readonly commands: Counter<'command' | 'result'>;
  private readonly lag: Histogram;

  /** @param load requests in flight and callbacks that wait for their turn, asked at each scrape */
  constructor(
    private readonly registry: Registry,
    load: () => { inFlight: number; waiting: number },
  ) {
    const registers = [registry];
    const deliveries = new Counter({
      name: NAMES.deliveries,
      help: 'Tick callbacks by how they ended',
      labelNames: ['outcome'],
      registers,
    });
    this.byOutcome = {
      delivered: deliveries.labels('delivered'),
      failed: deliveries.labels('failed'),
      skipped: deliveries.labels('skipped'),
      superseded: deliveries.labels('superseded'),
    };
    this.dropped = new Counter({
      name: NAMES.dropped,
      help: 'Carried items that were dropped for newer ones',
      registers,
    });
    this.commands = new Counter({
      name: NAMES.commands,
      help: 'Commands of agent.control by what came of them',
      labelNames: ['command', 'result'],
      registers,
    });
    this.lag = new Histogram({
      name: NAMES.lag,
      help: 'From the close of a tick to the first attempt of a callback, s',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
      registers,
    });
    new Gauge({
      name: NAMES.inFlight,
      help: 'Requests in flight',
      registers,
      collect() {
        this.set(load().inFlight);
      },
    });
    new Gauge({
      name: NAMES.waiting,
      help: 'Callbacks that wait for their turn',
      registers,
      collect() {
        this.set(load().waiting);
      },
    });
  }

  ended(outcome: AgentDelivery['outcome']): void {
    this.byOutcome[outcome].inc();
  }

  itemsDropped(count: number): void {
    if (count > 0) this.dropped.inc(count);
  }

  commanded(command: AgentControl['command'], result: string): void {
    this.commands.inc({ command, result });
  }

  begun(closedAtMs: number, nowMs: number): void {
    this.lag.observe(Math.max(0, nowMs - closedAtMs) / 1_000);
  }

  /** The registry may outlive the app. */
  remove(): void {
    for (const name of Object.values(NAMES)) this.registry.removeSingleMetric(name);
  }
}
