import { deadLetterTopic, eventDefinitions } from '@tickwire/contracts';
import { readDeadLetter, type DeadLetter, type EventLog, type LogRecord } from '@tickwire/event-log';
import { badCursor, readJsonCursor, type Page } from '../listing/page.js';

export interface ShelvedLetter {
  letter: DeadLetter;
  record: LogRecord;
}

const STRETCH = 200;

/** Reads the dead letters where they are: on the log's `<topic>.dead`. */
export class DeadLetterShelf {
  constructor(private readonly log: EventLog) {}

  /**
   * Newest first, over all partitions. The cursor holds the place in each of them, so letters that come meanwhile
   * change nothing on later pages.
   */
  async page(topic: string | undefined, limit: number, cursor: string | undefined): Promise<Page<ShelvedLetter>> {
    const given = cursor === undefined ? undefined : readEnds(cursor);
    const bounds = await this.log.bounds(deadTopics(topic));
    const ends = new Map<string, number>();
    const found: ShelvedLetter[] = [];
    for (const bound of bounds) {
      const place = `${bound.topic}/${bound.partition}`;
      const end = given === undefined ? bound.end : Math.min(bound.end, given.get(place) ?? bound.start);
      if (end <= bound.start) continue;
      ends.set(place, end);
      const first = Math.max(bound.start, end - limit);
      found.push(...lettersOf(await this.log.read({ ...bound, offset: first }, end - first)));
    }
    found.sort((a, b) => b.record.timestampMs - a.record.timestampMs || b.record.offset - a.record.offset);
    const data = found.slice(0, limit);
    for (const { record } of data) {
      const place = `${record.topic}/${record.partition}`;
      ends.set(place, Math.min(ends.get(place)!, record.offset));
    }
    const more = bounds.some((bound) => (ends.get(`${bound.topic}/${bound.partition}`) ?? bound.start) > bound.start);
    return { data, nextCursor: more && data.length > 0 ? writeEnds(ends) : null };
  }

  /** A letter's id is a hash and tells no place: read from the newest back, topic by topic. */
  async find(id: string, topic: string | undefined): Promise<ShelvedLetter | undefined> {
    for (const bound of await this.log.bounds(deadTopics(topic))) {
      for (let end = bound.end; end > bound.start; end -= STRETCH) {
        const first = Math.max(bound.start, end - STRETCH);
        const found = lettersOf(await this.log.read({ ...bound, offset: first }, end - first)).find(
          ({ letter }) => letter.id === id,
        );
        if (found !== undefined) return found;
      }
    }
    return undefined;
  }
}

function deadTopics(topic: string | undefined): string[] {
  const topics = topic === undefined ? eventDefinitions().map((definition) => definition.topic) : [topic];
  return topics.map(deadLetterTopic);
}

function lettersOf(records: readonly LogRecord[]): ShelvedLetter[] {
  return records.flatMap((record) => {
    const letter = readDeadLetter(record);
    return letter === undefined ? [] : [{ letter, record }];
  });
}

function writeEnds(ends: ReadonlyMap<string, number>): string {
  return Buffer.from(JSON.stringify([...ends])).toString('base64url');
}

function readEnds(cursor: string): Map<string, number> {
  const entries = readJsonCursor(cursor);
  const wellFormed = (entry: unknown): boolean =>
    Array.isArray(entry) && typeof entry[0] === 'string' && Number.isSafeInteger(entry[1]) && entry[1] >= 0;
  if (!Array.isArray(entries) || !entries.every(wellFormed)) throw badCursor();
  return new Map(entries as [string, number][]);
}
