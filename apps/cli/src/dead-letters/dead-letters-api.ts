import { setTimeout as sleep } from 'node:timers/promises';
import { addressOf } from '../connection/settings.js';
import { refusal, request, Unreachable, type ApiRequest } from '../connection/request.js';
import { CommandFailed } from '../terminal/exit-codes.js';

/** A record that a group could not handle: where it died and why. */
export interface DeadLetter {
  id: string;
  group: string;
  topic: string;
  partition: number;
  offset: number;
  reason: string;
  message: string;
  /** ISO 8601 */
  at: string;
  key: string;
}

export interface DeadLetterDetail extends DeadLetter {
  /** The record as it died; base64 where it is not UTF-8. */
  value: string;
  encoding: 'utf8' | 'base64';
}

export interface DeadLetterPage {
  data: DeadLetter[];
  nextCursor: string | null;
}

export interface Replayed {
  id: string;
  topic: string;
  group: string;
}

const PATH = '/api/v1/admin/dead-letters';
const READS = 3;
const PAUSE_MS = 300;

/** The operators' side of the API for dead letters. */
export class DeadLettersApi {
  constructor(
    private readonly base: { url: string; source: string },
    private readonly adminToken: string,
  ) {}

  /** One page, newest first. */
  list(query: { topic?: string; limit?: number; cursor?: string }): Promise<DeadLetterPage> {
    return this.read<DeadLetterPage>(this.address('', query), (body) => Array.isArray(body.data));
  }

  /** @param topic where it is known: spares the server a search through all of them */
  find(id: string, topic: string | undefined): Promise<DeadLetterDetail> {
    const url = this.address(`/${encodeURIComponent(id)}`, { topic });
    return this.read<DeadLetterDetail>(url, (body) => typeof body.value === 'string');
  }

  /**
   * Brings it back to the group that it died in. Not repeated by itself when the answer is lost.
   * @param value replaces the record's value
   * @throws CommandFailed ALREADY_FINAL for a signal that has had its end: nothing is done
   */
  async replay(id: string, topic: string | undefined, value: string | undefined): Promise<Replayed> {
    const url = this.address(`/${encodeURIComponent(id)}/replay`, { topic });
    try {
      const answer = await request({
        method: 'POST',
        url,
        headers: { ...this.credential(), 'content-type': 'application/json' },
        body: JSON.stringify({ value }),
      });
      if (answer.status !== 202) throw refusal(answer);
      return answer.body as Replayed;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      throw new CommandFailed(
        'UNREACHABLE',
        `${error.message}. It may have been replayed; a second replay of a signal does no harm.`,
      );
    }
  }

  private async read<T extends object>(url: URL, fits: (body: Partial<T>) => boolean): Promise<T> {
    const answer = await asked({ method: 'GET', url, headers: this.credential() });
    if (answer.status !== 200) throw refusal(answer);
    const body = answer.body as Partial<T> | undefined;
    if (body === undefined || body === null || !fits(body)) {
      throw new CommandFailed('UNEXPECTED_ANSWER', 'The answer is not one of Tickwire: is the URL the API?');
    }
    return body as T;
  }

  private credential(): Record<string, string> {
    return { authorization: `Bearer ${this.adminToken}` };
  }

  private address(path: string, query: Record<string, string | number | undefined>): URL {
    const url = addressOf(this.base.url, this.base.source, PATH + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }
}

/** Reading changes nothing, so it is tried again while the API is not there. */
async function asked(question: ApiRequest): ReturnType<typeof request> {
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await request(question);
      if (answer.status !== 503 || attempt === READS) return answer;
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      if (attempt === READS) throw new CommandFailed('UNREACHABLE', error.message);
    }
    await sleep(PAUSE_MS * attempt);
  }
}
