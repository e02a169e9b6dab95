import { SecretBox, parseSealingKeys } from '@tickwire/credentials';
import { derivedId } from '@tickwire/contracts';
import { formatTickSecret } from '@tickwire/signing';
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { callbackUrl } from '../receivers/callback-address.js';
import { COMPANIES, SHARDS, type BenchWorld } from '../world/bench-world.js';

const TENANT = 'ten_bench';
const SECRET_BYTES = 32;

/**
 * Registers a world and its agents as api would, in bulk: a callback each, a generated secret sealed for its row.
 * @param sealingKeys `SECRETS_KEYS` of the system
 * @returns the agents' secrets, in their order
 */
export async function registerAgents(
  pool: Pool,
  sealingKeys: string,
  { worldId, agentIds, shardOf }: BenchWorld,
  origins: readonly string[],
): Promise<string[]> {
  const box = new SecretBox(parseSealingKeys(sealingKeys));
  const secrets = agentIds.map(() => formatTickSecret(randomBytes(SECRET_BYTES)));
  await pool.query(`INSERT INTO "tenant" ("id", "name") VALUES ($1, 'Bench') ON CONFLICT DO NOTHING`, [TENANT]);
  await pool.query(`INSERT INTO "world" ("id", "partition", "name", "settings") VALUES ($1, 0, 'Bench', $2)`, [
    worldId,
    { seed: derivedId(worldId, 'seed'), companies: COMPANIES, tickMs: 1_000, shards: SHARDS },
  ]);
  await pool.query(
    `INSERT INTO "agent" ("id", "tenant_id", "world_id", "shard", "name", "role", "callback_url", "sealed_webhook_secret")
     SELECT a."id", $5, $6, a."shard", a."id", 'quant', a."url", a."secret"
       FROM unnest($1::text[], $2::int[], $3::text[], $4::text[]) a("id", "shard", "url", "secret")`,
    [
      agentIds,
      shardOf,
      agentIds.map((_, index) => callbackUrl(origins, index)),
      agentIds.map((id, index) => box.seal(secrets[index]!, [id])),
      TENANT,
      worldId,
    ],
  );
  return secrets;
}
