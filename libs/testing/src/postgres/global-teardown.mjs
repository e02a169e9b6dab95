import { removeRunFolder } from './run-folder.mjs';

/** Jest's globalTeardown: ends this run's Postgres, if there is one. */
export default async function tearDown() {
  const folder = process.env.TICKWIRE_TEST_POSTGRES;
  if (folder) await removeRunFolder(folder);
}
