import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..', '..', '..');
const BOUNDARIES = '@nx/enforce-module-boundaries';

/** A source that is linted as if it stood at `path`. */
interface Planted {
  what: string;
  path: string;
  code: string;
  /** The rule that has to refuse it; none where it has to pass. */
  refusedBy?: string;
}

interface Verdict {
  rule: string;
  message: string;
}

const importing = (from: string) => `import { x } from '${from}';\nexport const planted = x;\n`;
const value = (expression: string) => `export const planted = ${expression};\n`;
const inDomain = (what: string, code: string, refusedBy?: string): Planted => ({
  what: `a domain lib ${what}`,
  path: 'libs/market/src/planted.ts',
  code,
  refusedBy,
});

const PLANTED: readonly Planted[] = [
  inDomain('that imports an npm package', importing('ajv'), 'no-restricted-imports'),
  inDomain('that re-exports an npm package', `export * from 'ajv';`, 'no-restricted-imports'),
  inDomain('that loads a package while it runs', value(`() => import('ajv')`), 'no-restricted-syntax'),
  inDomain('that imports Node I/O', importing('node:fs'), 'no-restricted-imports'),
  inDomain('that imports Node I/O by its bare name', importing('fs'), 'no-restricted-imports'),
  inDomain(
    'that hashes, outside signing',
    `import { createHash } from 'node:crypto';\n${value('createHash')}`,
    'no-restricted-imports',
  ),
  inDomain('that reads the clock', value('Date.now()'), 'no-restricted-properties'),
  inDomain('that reads the clock by destructuring', 'export const { now } = Date;', 'no-restricted-properties'),
  inDomain('that reads the monotonic clock', value('performance.now()'), 'no-restricted-properties'),
  inDomain('that makes a date of now', value('new Date()'), 'no-restricted-syntax'),
  inDomain('that asks for the date as text', value('Date()'), 'no-restricted-syntax'),
  inDomain('that waits', 'setTimeout(() => undefined, 1);', 'no-restricted-syntax'),
  inDomain('that draws a random number', value('Math.random()'), 'no-restricted-properties'),
  inDomain('that draws a random id', value('crypto.randomUUID()'), 'no-restricted-globals'),
  inDomain('that reads the environment', value(`process.env['HOME']`), 'no-restricted-globals'),
  inDomain('that calls out', value(`fetch('http://127.0.0.1')`), 'no-restricted-globals'),
  inDomain('that reaches the clock through globalThis', value('globalThis.Date.now()'), 'no-restricted-globals'),
  inDomain('that imports a contract', importing('@tickwire/contracts'), BOUNDARIES),
  inDomain('that makes a date of an argument', `export const planted = (ms: number) => new Date(ms);`),
  inDomain('that asserts', `import assert from 'node:assert/strict';\n${value('assert')}`),
  {
    what: 'signing that hashes',
    path: 'libs/signing/src/planted.ts',
    code: `import { createHmac } from 'node:crypto';\n${value('createHmac')}`,
  },
  {
    what: 'signing that draws random bytes',
    path: 'libs/signing/src/planted.ts',
    code: `import { randomBytes } from 'node:crypto';\n${value('randomBytes')}`,
    refusedBy: 'no-restricted-imports',
  },
  {
    what: 'signing that takes all of node:crypto',
    path: 'libs/signing/src/planted.ts',
    code: `import * as all from 'node:crypto';\n${value('all')}`,
    refusedBy: 'no-restricted-imports',
  },
  {
    what: 'an app that imports an app',
    path: 'apps/ingress/src/planted.ts',
    code: importing('@tickwire/api'),
    refusedBy: BOUNDARIES,
  },
  {
    what: "an app's spec that imports an app",
    path: 'apps/ingress/src/planted.spec.ts',
    code: importing('@tickwire/api'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'an app that imports an app by its path',
    path: 'apps/ingress/src/planted.ts',
    code: importing('../../api/src/index.js'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'an edge app that imports a trading lib',
    path: 'apps/ingress/src/planted.ts',
    code: importing('@tickwire/matching'),
    refusedBy: BOUNDARIES,
  },
  {
    what: "an edge app's spec that imports a trading lib",
    path: 'apps/ingress/src/planted.spec.ts',
    code: importing('@tickwire/matching'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'a contract that imports a platform lib',
    path: 'libs/contracts/src/planted.ts',
    code: importing('@tickwire/persistence'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'a contract that imports a domain lib',
    path: 'libs/contracts/src/planted.ts',
    code: importing('@tickwire/errors'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'a shared lib that imports a trading lib',
    path: 'libs/delivery/src/planted.ts',
    code: importing('@tickwire/matching'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'a lib that imports an app',
    path: 'libs/runtime/src/planted.ts',
    code: importing('@tickwire/api'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'a lib that imports the test kit',
    path: 'libs/delivery/src/planted.ts',
    code: importing('@tickwire/testing'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'a spec that imports the test kit',
    path: 'libs/delivery/src/planted.spec.ts',
    code: importing('@tickwire/testing'),
  },
  {
    what: 'a trading app that imports a trading lib',
    path: 'apps/execution/src/planted.ts',
    code: importing('@tickwire/matching'),
  },
  {
    what: 'an edge app that imports a shared lib',
    path: 'apps/ingress/src/planted.ts',
    code: importing('@tickwire/delivery'),
  },
  {
    what: 'an app that imports the standalone',
    path: 'apps/ingress/src/planted.ts',
    code: importing('@tickwire/standalone'),
    refusedBy: BOUNDARIES,
  },
  {
    what: 'end-to-end code that imports the standalone',
    path: 'apps/e2e/src/planted.ts',
    code: importing('@tickwire/standalone'),
  },
  {
    what: 'the standalone that imports an app',
    path: 'apps/standalone/src/planted.ts',
    code: importing('@tickwire/api'),
  },
];

/** The rules on clocks and imports list the domain libs by name; a new one must not be forgotten. */
const DOMAIN_LIBS = readdirSync(join(ROOT, 'libs')).filter((name) => {
  const { nx } = JSON.parse(readFileSync(join(ROOT, 'libs', name, 'package.json'), 'utf8')) as {
    nx?: { tags: string[] };
  };
  return nx?.tags.includes('type:domain');
});
const IMPURE = DOMAIN_LIBS.map((name): Planted => ({
  what: name,
  path: `libs/${name}/src/planted.ts`,
  code: `import 'node:fs';\n${value('Date.now()')}`,
}));

const verdicts = new Map<Planted, Verdict[]>();
beforeAll(async () => {
  const all = [...PLANTED, ...IMPURE];
  const results = await lint(all);
  all.forEach((planted, index) => verdicts.set(planted, results[index]!));
}, 180_000);

describe('lint refuses', () => {
  it.each(PLANTED.filter(({ refusedBy }) => refusedBy !== undefined))('$what', (planted) => {
    expect(verdicts.get(planted)!.map(({ rule }) => rule)).toContain(planted.refusedBy);
  });
});

describe('lint accepts', () => {
  it.each(PLANTED.filter(({ refusedBy }) => refusedBy === undefined))('$what', (planted) => {
    expect(verdicts.get(planted)).toEqual([]);
  });
});

describe('the rules of the functional core reach', () => {
  it.each(IMPURE)('$what', (planted) => {
    const rules = verdicts.get(planted)!.map(({ rule }) => rule);
    expect(rules).toEqual(expect.arrayContaining(['no-restricted-imports', 'no-restricted-properties']));
  });
});

function lint(planted: readonly Planted[]): Promise<Verdict[][]> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      [join(HERE, 'lint-planted.mjs')],
      // The daemon would answer with the graph of whatever tree it was started on. NODE_OPTIONS are those of Jest.
      {
        cwd: ROOT,
        env: { ...process.env, NX_DAEMON: 'false', NODE_OPTIONS: '' },
        timeout: 170_000,
        maxBuffer: 4_000_000,
      },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`lint-planted.mjs: ${stderr || error.message}`));
        else resolve(JSON.parse(stdout) as Verdict[][]);
      },
    );
    child.stdin!.end(JSON.stringify(planted.map(({ path, code }) => ({ path, code }))));
  });
}
