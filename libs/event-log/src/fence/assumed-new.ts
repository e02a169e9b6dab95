/** PostgreSQL's unique_violation. */
const UNIQUE_VIOLATION = '23505';

/**
 * Identities that are almost always new. A transaction is tried as if all of its identities were; where one is not, the
 * table's primary key refuses the whole of it, and it is computed again with those that are known. From then on known ones
 * are looked up first, until a look finds none. So new identities cost no query of their own, and a storm of repetitions
 * one a batch.
 */
export class AssumedNew {
  private lookFirst = false;

  /** @param table whose primary key is the identity */
  constructor(private readonly table: string) {}

  /**
   * @param look what is known of the transaction's identities
   * @param transact inserts what is not known; called a second time only if the first has changed nothing
   */
  async run<Known extends { readonly size: number }>(
    none: Known,
    look: () => Promise<Known>,
    transact: (known: Known) => Promise<void>,
  ): Promise<void> {
    if (!this.lookFirst) {
      try {
        return await transact(none);
      } catch (error) {
        if (!this.isTaken(error)) throw error;
      }
    }
    const known = await look();
    this.lookFirst = known.size > 0;
    await transact(known);
  }

  private isTaken(error: unknown): boolean {
    const { code, table } = error as { code?: unknown; table?: unknown };
    return code === UNIQUE_VIOLATION && table === this.table;
  }
}
