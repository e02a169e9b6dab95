import type { Queryable } from '@tickwire/event-log';
import { fieldRefused } from '../validation/body.pipe.js';

/**
 * The bot that `botId` of a body names. Another tenant's is refused like one that does not exist.
 * @returns the accounts it may trade on; null: every account of its tenant
 * @throws ProblemError SCHEMA
 */
export async function requireBot(db: Queryable, tenantId: string, botId: string): Promise<string[] | null> {
  const { rows } = await db.query<{ accountIds: string[] | null }>(
    `SELECT "account_ids" AS "accountIds" FROM "bot" WHERE "id" = $1 AND "tenant_id" = $2`,
    [botId, tenantId],
  );
  if (rows[0] === undefined) throw fieldRefused('botId', 'UNKNOWN_BOT', 'there is no such bot');
  return rows[0].accountIds;
}
