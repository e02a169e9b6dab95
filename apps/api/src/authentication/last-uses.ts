import type { Pool } from 'pg';

/** SQL: whether the last use of the key is unknown or a minute old. To the minute is enough, and spares a write a request. */
export const UNRECORDED = `("last_used_at" IS NULL OR "last_used_at" < now() - interval '1 minute')`;

/**
 * Notes when keys are used, at most once a minute and key, beside the request: nobody waits for it, and a note that
 * fails is made at the next request.
 */
export class LastUses {
  private readonly writing = new Map<string, Promise<unknown>>();

  constructor(private readonly pool: Pool) {}

  record(keyId: string): void {
    if (this.writing.has(keyId)) return;
    // The condition again: another process, or a request of a moment ago, may have been faster.
    const note = this.pool
      .query(`UPDATE "api_key" SET "last_used_at" = now() WHERE "id" = $1 AND ${UNRECORDED}`, [keyId])
      .catch(() => undefined)
      .finally(() => this.writing.delete(keyId));
    this.writing.set(keyId, note);
  }

  async settled(): Promise<void> {
    await Promise.all(this.writing.values());
  }
}
