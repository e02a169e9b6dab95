import type { Queryable } from '@tickwire/event-log';

/** What has become of a key and of the agent that it belongs to. */
export type Standing = 'good' | 'key-void' | 'agent-not-active';

/**
 * How the keys stand now, by one query for all of them: as strict as the authenticator at a request, and the agent has to
 * be active as well.
 * @returns a standing for each of `keyIds`
 */
export async function standingOf(db: Queryable, keyIds: readonly string[]): Promise<Map<string, Standing>> {
  const { rows } = await db.query<{ id: string; active: boolean }>({
    name: 'agent-keys',
    text: `SELECT k."id", coalesce(a."status" = 'active', false) AS "active"
             FROM "api_key" k JOIN "tenant" t ON t."id" = k."tenant_id" LEFT JOIN "agent" a ON a."id" = k."agent_id"
            WHERE k."id" = ANY($1::text[]) AND k."revoked_at" IS NULL AND t."status" = 'active'
              AND coalesce(k."expires_at" > now(), true)`,
    values: [keyIds],
  });
  const active = new Map(rows.map((row) => [row.id, row.active]));
  return new Map(
    keyIds.map((id) => {
      const isActive = active.get(id);
      return [id, isActive === undefined ? 'key-void' : isActive ? 'good' : 'agent-not-active'];
    }),
  );
}
