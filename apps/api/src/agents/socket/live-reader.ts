import { Backoff, type EventLog, type LogRecord, type LogSink, type Subscription } from '@tickwire/event-log';

export interface LiveReading {
  topics: readonly string[];
  handle(records: readonly LogRecord[]): void;
  /** How long it goes on once nobody wants it, ms: somebody who reconnects should not cost a new subscription. */
  lingerMs: number;
  /** After so long without health the subscription is made anew, from the end, ms. */
  patienceMs: number;
}

/** Reads topics from their end, and only while somebody wants them. */
export class LiveReader {
  private subscription?: Subscription;
  private wanted = false;
  private lingering?: NodeJS.Timeout;
  private settling: Promise<void> = Promise.resolve();
  private isSettling = false;
  private healthyAt = 0;
  private waiting: (() => void)[] = [];

  constructor(
    private readonly log: EventLog,
    private readonly sink: LogSink,
    private readonly reading: LiveReading,
  ) {}

  /** Resolves once every record that is appended from now on will be handled, or when it is no longer wanted. */
  async start(): Promise<void> {
    clearTimeout(this.lingering);
    this.wanted = true;
    this.settle();
    if (this.subscription === undefined) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  /** Nobody wants it any more, for the time being. */
  stop(): void {
    clearTimeout(this.lingering);
    this.lingering = setTimeout(() => this.end(), this.reading.lingerMs);
    this.lingering.unref();
  }

  /** At once. Resolves when nothing is read any more. */
  async close(): Promise<void> {
    clearTimeout(this.lingering);
    this.end();
    await this.settling;
  }

  /** To be called now and then: a subscription that stays ill is replaced, and what was appended in between is missed. */
  look(): void {
    const nowMs = performance.now();
    if (this.subscription === undefined || this.subscription.healthy()) this.healthyAt = nowMs;
    if (nowMs - this.healthyAt < this.reading.patienceMs || this.isSettling) return;
    this.sink.warn({ topics: this.reading.topics }, 'a subscription does not recover; it is made anew');
    const ill = this.subscription;
    this.subscription = undefined;
    this.healthyAt = nowMs;
    this.settle(ill);
  }

  private end(): void {
    this.wanted = false;
    this.settle();
  }

  /** One at a time, until what is there is what is wanted. */
  private settle(ill?: Subscription): void {
    if (this.isSettling) return;
    this.isSettling = true;
    this.settling = this.reconcile(ill);
  }

  private async reconcile(ill: Subscription | undefined): Promise<void> {
    const backoff = new Backoff();
    let retired = ill;
    for (;;) {
      try {
        await retired?.close();
        retired = undefined;
        if (this.wanted === (this.subscription !== undefined)) break;
        if (this.wanted) {
          const { topics, handle } = this.reading;
          this.subscription = await this.log.broadcast({ topics, from: 'end', handle });
          this.healthyAt = performance.now();
        } else {
          retired = this.subscription;
          this.subscription = undefined;
        }
      } catch (error) {
        this.sink.warn({ topics: this.reading.topics, err: error }, 'live reading could not be changed; trying again');
        if (!this.wanted) retired = undefined;
        await backoff.wait(() => !this.wanted);
      }
    }
    // In one go with the last look at what is wanted: a change that comes now begins anew.
    this.isSettling = false;
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}
