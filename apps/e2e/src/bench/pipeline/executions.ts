import { indexOfSignal } from '../load/signed-signals.js';

/** What the bench reads of an outcome. */
interface Outcome {
  type: string;
  data: { signalId?: string; final?: boolean; code?: string };
}

/** Sees the outcomes of one run's signals and remembers when each came. */
export class Executions {
  /** By the signal's index, wall clock ms; NaN until it was executed in full. */
  readonly executedAtMs: Float64Array;
  /** Refusals by code. */
  readonly failed: Record<string, number> = {};
  /** Signals that have come to their end, one way or the other. */
  settled = 0;

  constructor(
    private readonly run: string,
    count: number,
  ) {
    this.executedAtMs = new Float64Array(count).fill(NaN);
  }

  /** @param value one event as JSON; those of other runs are skipped */
  see(value: Buffer, atMs: number): void {
    const { type, data } = JSON.parse(value.toString()) as Outcome;
    const index = data.signalId === undefined ? undefined : indexOfSignal(this.run, data.signalId);
    if (index === undefined || !Number.isNaN(this.executedAtMs[index] ?? 0)) return;
    if (type === 'webhook.trade_executed') {
      if (!data.final) return;
      this.executedAtMs[index] = atMs;
    } else {
      const code = data.code ?? type;
      this.failed[code] = (this.failed[code] ?? 0) + 1;
    }
    this.settled += 1;
  }
}
