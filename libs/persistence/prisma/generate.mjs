// Generates the Prisma client into src/generated unless it is fresh. Run by the build and by Jest's global setup.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const generated = path.join(root, 'src', 'generated');
const output = path.join(generated, 'prisma');
const stamp = path.join(generated, 'schema.sha256');
const lock = path.join(generated, 'lock');
const require = createRequire(import.meta.url);
/** A run takes 3 s; a lock older than this was left by one that was killed. */
const LOCK_AGE_MS = 60_000;

/** @returns whether anything had to be done; about 5 ms when not */
export async function generatePrismaClient() {
  const wanted = fingerprint();
  if (read(stamp) === wanted) return false;
  mkdirSync(generated, { recursive: true });
  while (!tryLock()) await new Promise((resolve) => setTimeout(resolve, 100));
  try {
    if (read(stamp) === wanted) return false; // another process was faster
    rmSync(stamp, { force: true });
    rmSync(output, { recursive: true, force: true });
    const cli = path.join(path.dirname(require.resolve('prisma/package.json')), 'build', 'index.js');
    execFileSync(process.execPath, [cli, 'generate'], {
      cwd: root,
      // The stub keeps the CLI from downloading an engine that generating does not use.
      env: {
        ...process.env,
        NODE_OPTIONS: '',
        PRISMA_SCHEMA_ENGINE_BINARY: path.join(here, 'schema-engine-stub'),
        PRISMA_HIDE_UPDATE_MESSAGE: '1',
        CHECKPOINT_DISABLE: '1',
      },
      stdio: 'pipe', // shown only as part of the error
    });
    writeFileSync(stamp, wanted);
    return true;
  } finally {
    rmdirSync(lock);
  }
}

function fingerprint() {
  const hash = createHash('sha256').update(require('prisma/package.json').version);
  const folder = path.join(here, 'schema');
  for (const name of readdirSync(folder).sort()) hash.update(name).update(readFileSync(path.join(folder, name)));
  return hash.digest('hex');
}

function tryLock() {
  try {
    mkdirSync(lock);
    return true;
  } catch {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > LOCK_AGE_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await generatePrismaClient();
}
