import { setTimeout as sleep } from 'node:timers/promises';
import type { SentSignal, SignalSender } from '../src/exactly-once/signal-sender.js';

/** A sender may be kept waiting for as long as a night's faults last. */
const DEADLINE_MS = 3_600_000;
const PAUSE_MS = 200;

/** Signals that keep coming, a few at a time, until the trickle is ended. */
export class Trickle {
  private readonly sent: SentSignal[] = [];
  private readonly senders: Promise<void>[];
  private ended = false;

  constructor(
    private readonly sender: SignalSender,
    senders: number,
  ) {
    this.senders = Array.from({ length: senders }, () => this.send());
  }

  /** Ends it; resolves with all signals once each has its 202. */
  async end(): Promise<SentSignal[]> {
    this.ended = true;
    await Promise.all(this.senders);
    return this.sent;
  }

  private async send(): Promise<void> {
    while (!this.ended) {
      this.sent.push(...(await this.sender.send(1, { concurrency: 1, deadlineMs: DEADLINE_MS })));
      await sleep(PAUSE_MS);
    }
  }
}
