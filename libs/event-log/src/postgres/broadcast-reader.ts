import type { Pool } from 'pg';
import type { BroadcastOptions, LogSink, Position, Subscription } from '../port.js';
import { Backoff, sleep } from '../backoff.js';
import { positionsAfter } from '../positions.js';
import { readBounds, readRecords } from './record-reader.js';
import type { WakeUps } from './wake-ups.js';

const POLL_MS = 500;
const BATCH = 1_000;

/** Reads every partition of its topics from stated positions; commits nothing. */
export class BroadcastReader implements Subscription {
  private readonly positions = new Map<string, Position>();
  private readonly dirtyTopics = new Set<string>();
  private wakeLoop: () => void = () => undefined;
  private stopListening: () => void = () => undefined;
  private closing = false;
  private loopEnded: Promise<void> = Promise.resolve();
  private lastRead = performance.now();

  constructor(
    private readonly pool: Pool,
    private readonly options: BroadcastOptions,
    private readonly partitionCount: number,
    private readonly wakeUps: WakeUps,
    private readonly log: LogSink,
  ) {}

  async start(): Promise<void> {
    const { topics, from } = this.options;
    this.stopListening = this.wakeUps.onWake((topic) => {
      if (!topics.includes(topic)) return;
      this.dirtyTopics.add(topic);
      this.wakeLoop();
    });
    for (const { topic, partition, start, end } of await readBounds(this.pool, topics)) {
      const stated = Array.isArray(from)
        ? (from as readonly Position[]).find((each) => each.topic === topic && each.partition === partition)?.offset
        : undefined;
      const offset = Math.max(start, stated ?? (from === 'beginning' ? start : end));
      this.positions.set(`${topic}/${partition}`, { topic, partition, offset });
    }
    for (const topic of topics) this.dirtyTopics.add(topic);
    this.loopEnded = this.loop();
  }

  owned(): readonly number[] {
    return Array.from({ length: this.partitionCount }, (_, n) => n);
  }

  settle(): void {}

  alive(): boolean {
    return performance.now() - this.lastRead < 5_000;
  }

  healthy(): boolean {
    return this.alive();
  }

  async close(): Promise<void> {
    this.closing = true;
    this.stopListening();
    this.wakeLoop();
    await this.loopEnded;
  }

  private async loop(): Promise<void> {
    while (!this.closing) {
      try {
        if (!(await this.readAndHandle())) await this.idle();
      } catch (error) {
        this.log.warn({ topics: this.options.topics, err: error }, 'the log could not be read; trying again');
        await sleep(POLL_MS);
      }
    }
  }

  private async readAndHandle(): Promise<boolean> {
    const topics = [...this.dirtyTopics];
    this.dirtyTopics.clear();
    const wanted = [...this.positions.values()].filter(({ topic }) => topics.includes(topic));
    if (wanted.length === 0) return false;
    const records = await readRecords(this.pool, wanted, Math.ceil(BATCH / 4));
    this.lastRead = performance.now();
    if (records.length === 0) return false;
    for (const topic of topics) this.dirtyTopics.add(topic);
    const backoff = new Backoff();
    while (!this.closing) {
      try {
        await this.options.handle(records);
        break;
      } catch (error) {
        this.log.warn({ topics, err: error }, 'a broadcast handler failed; the same records come again');
        await backoff.wait(() => this.closing);
      }
    }
    for (const position of positionsAfter(records))
      this.positions.set(`${position.topic}/${position.partition}`, position);
    return true;
  }

  private async idle(): Promise<void> {
    if (this.closing || this.dirtyTopics.size > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        for (const topic of this.options.topics) this.dirtyTopics.add(topic);
        resolve();
      }, POLL_MS);
      this.wakeLoop = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.wakeLoop = () => undefined;
  }
}
