import pg from 'pg';
import type { ParameterValue } from '../parameters/parameter-values.js';

/** One statement of a transaction that is sent as a whole. */
export interface TransactionStatement {
  /** Constant: it is prepared once for each connection. */
  text: string;
  /** See `parameterValues`. */
  values: readonly ParameterValue[];
  /** Whether its rows are wanted; without, the server is not asked to describe them and they are thrown away. */
  wantsRows: boolean;
}

/**
 * A transaction as one message and one answer: every statement is sent before the first is answered, and the server commits
 * at the one Sync behind the last, as PostgreSQL's protocol has it for statements without BEGIN. It works through them in
 * order, each with a snapshot of its own, and after a failure skips the rest and rolls all of it back. Compared with BEGIN,
 * statements and COMMIT, even sent ahead, it saves the server two statements and an answer, and so a wake-up of this
 * process, for each statement.
 *
 * @param client nothing may be between BEGIN and COMMIT on it; released by the caller
 * @param sent called once everything has been handed to the socket
 * @returns the rows of each statement, in order; none where they are not wanted
 * @throws the server's error: nothing was written; except for classes 08 and 57, which end the connection
 * @throws any other error: the connection has failed or a row could not be read, and the transaction was committed or not
 */
export function sendTransaction(
  client: pg.ClientBase,
  statements: readonly TransactionStatement[],
  sent?: () => void,
): Promise<object[][]> {
  return new Promise((resolve, reject) => {
    client.query(new Transaction(statements, resolve, reject));
    sent?.();
  });
}

/** The parts of `pg`'s connection that are used here and have no types. */
interface Connection {
  /** Statements that the server is known to have: name to text. */
  parsedStatements: Record<string, string>;
  stream: { cork(): void; uncork(): void };
  parse(statement: { name: string; text: string }): void;
  bind(portal: { statement: string; values: readonly ParameterValue[] }): void;
  describe(target: { type: 'P'; name: string }): void;
  execute(portal: { portal: string }): void;
  close(target: { type: 'S'; name: string }): void;
  sync(): void;
}

interface Result {
  addFields(fields: unknown): void;
  parseRow(fields: unknown): object;
}

/** `pg` takes nothing but its own queries on a pipelined connection; what is inherited is not used. */
class Transaction extends pg.Query {
  private readonly answers: object[][];
  /** Of the statement that is being answered. */
  private result: Result | undefined;
  private answered = 0;
  private connection: Connection | undefined;
  private unreadable: Error | undefined;

  constructor(
    private readonly statements: readonly TransactionStatement[],
    private readonly resolve: (rows: object[][]) => void,
    private readonly reject: (error: Error) => void,
  ) {
    super({ text: '' });
    this.answers = statements.map(() => []);
  }

  override submit = (target: unknown): void => {
    const connection = (this.connection = target as Connection);
    // One write: each would wake the server.
    connection.stream.cork();
    try {
      for (const { text, values, wantsRows } of this.statements) {
        const name = nameOf(text);
        if (!(name in connection.parsedStatements)) {
          // It may be there from a transaction that failed later on; closing one that is not there is no error.
          connection.close({ type: 'S', name });
          connection.parse({ name, text });
        }
        connection.bind({ statement: name, values });
        if (wantsRows) connection.describe({ type: 'P', name: '' });
        connection.execute({ portal: '' });
      }
      connection.sync();
    } finally {
      connection.stream.uncork();
    }
  };

  handleRowDescription({ fields }: { fields: unknown }): void {
    // With the types of the pool, which `pg` has left on the query.
    const { _result } = this as unknown as { _result: { _types: typeof pg.types } };
    this.result = new pg.Result('object', _result._types) as unknown as Result;
    this.result.addFields(fields);
  }

  handleDataRow({ fields }: { fields: unknown }): void {
    if (this.result === undefined) return;
    try {
      this.answers[this.answered]!.push(this.result.parseRow(fields));
    } catch (error) {
      this.unreadable ??= error as Error;
    }
  }

  handleCommandComplete(): void {
    this.result = undefined;
    this.answered += 1;
  }

  handleReadyForQuery(): void {
    for (const { text } of this.statements) this.connection!.parsedStatements[nameOf(text)] = text;
    if (this.unreadable) this.reject(this.unreadable);
    else this.resolve(this.answers);
  }

  handleError(error: Error): void {
    this.reject(error);
  }
}

const names = new Map<string, string>();

/** A short name for a statement, the same for the same text. */
function nameOf(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `transaction-${names.size + 1}`;
    names.set(text, name);
  }
  return name;
}
