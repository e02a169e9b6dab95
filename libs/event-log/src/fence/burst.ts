import { channel } from 'node:diagnostics_channel';
import { withBinaryArrays } from '@tickwire/persistence';
import type { Pool, PoolClient, QueryResult } from 'pg';

/** Says which step of a transaction path has been reached; fault tests listen and end the process there. */
const steps = channel('tickwire.steps');

/** What a transaction writes. Nothing is sent before it is complete, so a statement cannot depend on another's answer. */
export interface Statements {
  /**
   * Adds a statement, to be sent in this order.
   * @param text constant: it is prepared once for each connection. Arrays are sent in binary form where it casts them, see
   *   `withBinaryArrays`
   * @param answered called with the server's answer once the transaction has been committed
   */
  add<R extends object = Record<string, unknown>>(
    text: string,
    values: readonly unknown[],
    answered?: (rows: R[]) => void,
  ): void;
}

/** COMMIT was sent and not answered: the transaction has happened or not. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('A commit went unanswered', { cause });
  }
}

interface Entry {
  text: string;
  values: readonly unknown[];
  answered?: (rows: never[]) => void;
}

/**
 * One transaction as one message: BEGIN, every statement and COMMIT are sent before the first is answered. The server
 * works through them in order and skips what follows a failure, COMMIT then being a rollback. A transaction of ten
 * statements so takes one round trip instead of twelve.
 */
export class Burst implements Statements {
  private readonly entries: Entry[] = [];

  add<R extends object>(text: string, values: readonly unknown[], answered?: (rows: R[]) => void): void {
    this.entries.push({ text, values: withBinaryArrays(text, values), answered: answered as Entry['answered'] });
  }

  /**
   * @throws CommitUnknown where nobody can say whether it was committed
   * @throws the server's or the connection's error where it was certainly not
   */
  async commit(pool: Pool): Promise<void> {
    const client = await pool.connect();
    const answers = await this.send(client);
    const begin = answers.shift()!;
    const commit = answers.pop()!;
    const unknown = (cause: unknown): CommitUnknown => {
      client.release(cause as Error);
      return new CommitUnknown(cause);
    };
    // What follows a failed BEGIN is committed statement by statement, as far as it goes.
    if (begin.status === 'rejected') throw unknown(begin.reason);
    const refused = answers.find((each) => each.status === 'rejected');
    if (commit.status === 'rejected') {
      const refusal = [...answers, commit].find((each) => each.status === 'rejected' && isRefusal(each.reason));
      if (refusal?.status !== 'rejected') throw unknown(commit.reason);
      client.release(isRefusal(commit.reason) ? undefined : (commit.reason as Error));
      throw refusal.reason;
    }
    client.release();
    // After a failure COMMIT is answered too; it has rolled back.
    if (refused) throw refused.reason;
    answers.forEach((answer, index) => {
      if (answer.status === 'fulfilled') this.entries[index]!.answered?.(answer.value.rows as never[]);
    });
  }

  /** @returns the answers to BEGIN, to each statement and to COMMIT */
  private send(client: PoolClient): Promise<PromiseSettledResult<QueryResult>[]> {
    const stream = streamOf(client);
    const answers: Promise<QueryResult>[] = [];
    // Corked, so that one write carries all of it: each write wakes the server once.
    stream?.cork();
    try {
      answers.push(client.query('BEGIN'));
      for (const { text, values } of this.entries) {
        answers.push(client.query({ name: nameOf(text), text, values: values as unknown[] }));
      }
      answers.push(client.query('COMMIT'));
    } finally {
      stream?.uncork();
    }
    const settled = Promise.allSettled(answers);
    steps.publish('fence.sent');
    return settled;
  }
}

const names = new Map<string, string>();

/** A short name for a statement, the same for the same text. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `burst-${names.size + 1}`;
    names.set(text, name);
  }
  return name;
}

interface Corkable {
  cork(): void;
  uncork(): void;
}

/** `pg` keeps its socket on the client without a type for it. */
function streamOf(client: PoolClient): Corkable | undefined {
  return (client as { connection?: { stream?: Corkable } }).connection?.stream;
}

/** The server itself answered with an error: what was sent is rolled back for certain. */
export function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  // Five characters: an SQLSTATE. Class 08 and 57 are connections and shutdowns: the outcome is unknown.
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('08') && !code.startsWith('57');
}
