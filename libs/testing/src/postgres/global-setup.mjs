import { generatePrismaClient } from '../../../persistence/prisma/generate.mjs';
import { makeRunFolder, sweepAbandoned } from './run-folder.mjs';

/** Jest's globalSetup: generates the Prisma client unless it is fresh, and names the folder of this run's Postgres. The server itself is started by the first test that needs it. */
export default async function setUp() {
  await Promise.all([generatePrismaClient(), sweepAbandoned()]);
  process.env.TICKWIRE_TEST_POSTGRES = makeRunFolder();
}
