import { Inject, Injectable } from '@nestjs/common';
import { decodeEvent, eventDefinition, InvalidEvent, signalEventId, type EventEnvelope } from '@tickwire/contracts';
import { readSignalIdentity, replayRecord, type DeadLetter } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import type { Page } from '../listing/page.js';
import { HOST } from '../tokens.js';
import { AlreadyFinal } from './already-final.js';
import type { DeadLettersQuery } from './dead-letter-requests.js';
import { DeadLetterShelf, type ShelvedLetter } from './dead-letter-shelf.js';

/** A dead letter in a list: where it died and why. */
export type DeadLetterSummary = DeadLetter & { key: string };

export type DeadLetterDetail = DeadLetterSummary & {
  /** The record as it died; base64 where it is not UTF-8. */
  value: string;
  encoding: 'utf8' | 'base64';
};

export interface Replayed {
  id: string;
  topic: string;
  /** The only group that will handle it. */
  group: string;
}

/** Topics whose records make a signal trade. */
const TRADING_TOPICS = new Set(['webhook.received', 'webhook.validated']);
/** Apps that only look on: bringing an event back to them trades nothing. */
const ONLOOKERS = new Set(['api', 'notifier', 'tick-dispatcher', 'ingress']);

/** Operators read dead letters and bring them back, mended or as they were, to the group they died in. */
@Injectable()
export class DeadLetters {
  private readonly shelf: DeadLetterShelf;

  constructor(@Inject(HOST) private readonly host: AppHost) {
    this.shelf = new DeadLetterShelf(host.log);
  }

  async list({ topic, limit, cursor }: DeadLettersQuery): Promise<Page<DeadLetterSummary>> {
    const { data, nextCursor } = await this.shelf.page(topic, limit, cursor);
    return { data: data.map(toSummary), nextCursor };
  }

  /** @throws ProblemError NOT_FOUND */
  async find(id: string, topic: string | undefined): Promise<DeadLetterDetail> {
    const shelved = await this.require(id, topic);
    const { value } = shelved.record;
    const text = value.toString('utf8');
    const encoding = Buffer.from(text, 'utf8').equals(value) ? 'utf8' : 'base64';
    return { ...toSummary(shelved), value: encoding === 'utf8' ? text : value.toString('base64'), encoding };
  }

  /**
   * Appends the record to its source topic again, for its group alone.
   * @param mended replaces the value; the key stays, since it decides the partition and so the order
   * @throws ProblemError NOT_FOUND, SCHEMA while the value is no event of its topic
   * @throws AlreadyFinal
   */
  async replay(id: string, topic: string | undefined, mended: string | null | undefined): Promise<Replayed> {
    const { letter, record } = await this.require(id, topic);
    const value = typeof mended === 'string' ? Buffer.from(mended, 'utf8') : record.value;
    requireEvent(letter, record.key, value);
    await this.refuseFinal(letter, value);
    await this.host.log.append([replayRecord(letter, record, value)]);
    this.host.logger.info(
      { deadLetter: id, topic: letter.topic, group: letter.group, mended: typeof mended === 'string' },
      'replayed',
    );
    return { id, topic: letter.topic, group: letter.group };
  }

  private async require(id: string, topic: string | undefined): Promise<ShelvedLetter> {
    const found = await this.shelf.find(id, topic);
    if (found === undefined) throw new ProblemError('NOT_FOUND', 'There is no such dead letter; it may have expired.');
    return found;
  }

  /** A stage that meets a signal with its end written would skip it; saying so is better than seeming to act. */
  private async refuseFinal(letter: DeadLetter, value: Buffer): Promise<void> {
    if (!TRADING_TOPICS.has(letter.topic) || ONLOOKERS.has(letter.group.split('.')[0]!)) return;
    const identity = readSignalIdentity(value);
    if (identity === undefined) return;
    const { rowCount } = await this.host.pool.query(
      `SELECT FROM "lifecycle_event" WHERE "webhook_id" = $1 AND "final" LIMIT 1`,
      [signalEventId(identity.tenantId, identity.accountId, identity.signalId)],
    );
    if (rowCount !== 0) throw new AlreadyFinal();
  }
}

function requireEvent(letter: DeadLetter, key: string, value: Buffer): void {
  let event: EventEnvelope;
  try {
    event = decodeEvent(letter.topic, value);
  } catch (error) {
    if (!(error instanceof InvalidEvent)) throw error;
    throw stillBroken(error.reason, error.message);
  }
  if (eventDefinition(event.type)!.key(event.data) !== key) {
    throw stillBroken('WRONG_KEY', `the event belongs to another key than the record (${key})`);
  }
}

function stillBroken(code: string, detail: string): ProblemError {
  return new ProblemError('SCHEMA', `The event cannot be replayed as it is: ${detail}. Send a mended value.`, {
    errors: [{ pointer: '/value', code, detail }],
  });
}

function toSummary({ letter, record }: ShelvedLetter): DeadLetterSummary {
  return { ...letter, key: record.key };
}
