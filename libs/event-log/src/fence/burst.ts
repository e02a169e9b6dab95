import { channel } from 'node:diagnostics_channel';
import { parameterValues, sendTransaction, type TransactionStatement } from '@tickwire/persistence';
import type { Pool } from 'pg';

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

/** The transaction was sent and not answered: it has happened or not. */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('A commit went unanswered', { cause });
  }
}

interface Entry extends TransactionStatement {
  answered?: (rows: never[]) => void;
}

/** One transaction as one message, see `sendTransaction`: ten statements take one round trip. */
export class Burst implements Statements {
  private readonly entries: Entry[] = [];

  add<R extends object>(text: string, values: readonly unknown[], answered?: (rows: R[]) => void): void {
    this.entries.push({
      text,
      values: parameterValues(text, values),
      wantsRows: answered !== undefined,
      answered: answered as Entry['answered'],
    });
  }

  /**
   * @throws CommitUnknown where nobody can say whether it was committed
   * @throws the server's or the connection's error where it was certainly not
   */
  async commit(pool: Pool): Promise<void> {
    const client = await pool.connect();
    let answers: object[][];
    try {
      answers = await sendTransaction(client, this.entries, () => steps.publish('fence.sent'));
    } catch (error) {
      if (isRefusal(error)) {
        client.release();
        throw error;
      }
      client.release(error as Error);
      throw new CommitUnknown(error);
    }
    client.release();
    this.entries.forEach(({ answered }, index) => answered?.(answers[index] as never[]));
  }
}

/** The server itself answered with an error: what was sent is rolled back for certain. */
export function isRefusal(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code;
  // Five characters: an SQLSTATE. Class 08 and 57 are connections and shutdowns: the outcome is unknown.
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !code.startsWith('08') && !code.startsWith('57');
}
