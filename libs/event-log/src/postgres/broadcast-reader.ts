import type { Pool } from 'pg';
import type { BroadcastOptions, LogSink, Position, Subscription } from '../port.js';
import { Backoff, sleep } from '../backoff.js';
import { positionsAfter } from '../positions.js';
import { Newsstand } from './news.js';
import { readBounds, readNews } from './record-reader.js';
import type { WakeUps } from './wake-ups.js';

/** After a failed read. */
const RETRY_MS = 500;
const MOST_PER_PARTITION = 250;

/** Reads every partition of its topics from stated positions; commits nothing. */
export class BroadcastReader implements Subscription {
  private readonly positions = new Map<string, Position>();
  private readonly news: Newsstand;
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
  ) {
    this.news = new Newsstand(options.topics);
  }

  async start(): Promise<void> {
    const { topics, from } = this.options;
    this.stopListening = this.wakeUps.onWake(topics, (name, inTail) => {
      if (topics.includes(name)) this.news.tell([name], inTail);
    });
    for (const { topic, partition, start, end } of await readBounds(this.pool, topics)) {
      const stated = Array.isArray(from)
        ? (from as readonly Position[]).find((each) => each.topic === topic && each.partition === partition)?.offset
        : undefined;
      const offset = Math.max(start, stated ?? (from === 'beginning' ? start : end));
      this.positions.set(`${topic}/${partition}`, { topic, partition, offset });
    }
    this.news.tellAll();
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
    this.news.wake();
    await this.loopEnded;
  }

  private async loop(): Promise<void> {
    while (!this.closing) {
      try {
        if (!(await this.readAndHandle()) && !this.closing) await this.news.wait();
      } catch (error) {
        this.log.warn({ topics: this.options.topics, err: error }, 'the log could not be read; trying again');
        this.news.tellAll();
        await sleep(RETRY_MS);
      }
    }
  }

  private async readAndHandle(): Promise<boolean> {
    const { topics, inTail } = this.news.take();
    const wanted = [...this.positions.values()].filter(({ topic }) => topics.includes(topic));
    if (wanted.length === 0) return false;
    const tail = inTail ? this.wakeUps.tail : undefined;
    const records = await readNews(this.pool, tail, wanted, MOST_PER_PARTITION);
    this.lastRead = performance.now();
    if (records.length === 0) return false;
    if (records.length >= MOST_PER_PARTITION) this.news.tell(topics, inTail);
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
}
