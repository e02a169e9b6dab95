import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.js';
import { createPool } from '../pool/create-pool.js';

/**
 * A Prisma client over `@prisma/adapter-pg`: for CRUD; log, outbox, fills and batches are SQL on the pool.
 * int8 columns arrive as `bigint` here. `$disconnect()` ends connections that were made here, never a pool that was given.
 *
 * @param source a pool, shared with the app's own SQL, or a connection string for a pool of its own
 */
export function createPrisma(source: pg.Pool | string): PrismaClient {
  const own = typeof source === 'string';
  const pool = own ? createPool({ connectionString: source, applicationName: 'prisma' }) : source;
  return new PrismaClient({ adapter: new PrismaPg(pool, { disposeExternalPool: own, onPoolError: () => undefined }) });
}
