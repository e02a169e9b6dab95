import type { Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';

/** Changes of one tenant that count before they write wait for each other here: two at once must not both see room for one. */
export async function lockTenant(db: Queryable, tenantId: string): Promise<void> {
  await db.query(`SELECT FROM "tenant" WHERE "id" = $1 FOR NO KEY UPDATE`, [tenantId]);
}

export interface OwnedTable {
  /** With `id` and `tenant_id`. */
  table: string;
  /** SQL of what is read. */
  columns: string;
  /** For people: `alert token`. */
  what: string;
}

/**
 * Locks a row of the tenant for the rest of the transaction.
 * @throws ProblemError NOT_FOUND, for another tenant's as for none
 */
export async function lockOwn<R extends object>(
  db: Queryable,
  { table, columns, what }: OwnedTable,
  tenantId: string,
  id: string,
): Promise<R> {
  const { rows } = await db.query<R>(
    `SELECT ${columns} FROM "${table}" WHERE "id" = $1 AND "tenant_id" = $2 FOR NO KEY UPDATE`,
    [id, tenantId],
  );
  if (rows[0] === undefined) throw new ProblemError('NOT_FOUND', `There is no such ${what}.`);
  return rows[0];
}
