import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Moved by hand, so that two nights differ by their seed alone. */
const VERSION = '4.32.5';
const FOLDER = fileURLToPath(new URL('../../../../.cache/schemathesis', import.meta.url));
const COMMAND = path.join(FOLDER, 'bin/schemathesis');
const STAMP = path.join(FOLDER, 'installed-version');
/** The checks that hold an answer to the document; whether data that fits a schema is accepted is the business' affair. */
const CHECKS = [
  ...['not_a_server_error', 'status_code_conformance', 'content_type_conformance', 'response_headers_conformance'],
  ...['response_schema_conformance', 'unsupported_method', 'allow_header_conformance'],
];

export interface FuzzPlan {
  /** The OpenAPI document, a file. */
  document: string;
  url: string;
  headers: Record<string, string>;
  seed: number;
  seconds: number;
}

/**
 * Installs schemathesis into `.cache/`, unless this version is there.
 * @throws Error that says what is missing: Python, its venv module, or the package index
 */
export function installSchemathesis(): void {
  if (existsSync(COMMAND) && existsSync(STAMP) && readFileSync(STAMP, 'utf8') === VERSION) return;
  attempt('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))'], 'Python 3.10 or newer is needed');
  attempt(
    'python3',
    ['-m', 'venv', '--clear', FOLDER],
    'Python cannot make a virtual environment (Debian: python3-venv)',
  );
  attempt(
    path.join(FOLDER, 'bin/pip'),
    ['install', '--quiet', '--disable-pip-version-check', `schemathesis==${VERSION}`],
    `schemathesis ${VERSION} cannot be installed: the package index is not reachable, or does not have it`,
  );
  writeFileSync(STAMP, VERSION);
}

/**
 * Sends what the document allows and what it does not, and holds every answer to it.
 * @returns its exit code, 0 where nothing was found, and its report
 */
export function fuzz({
  document,
  url,
  headers,
  seed,
  seconds,
}: FuzzPlan): Promise<{ code: number | null; report: string }> {
  const given = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  const child = spawn(
    COMMAND,
    [
      ...['run', document, '--url', url, ...given],
      ...['--checks', CHECKS.join(','), '--phases', 'examples,coverage,fuzzing', '--mode', 'all'],
      ...['--seed', String(seed), '--max-time', String(seconds), '--continue-on-failure', '--request-timeout', '10'],
      // The key dies with the system: shown, a finding can be sent again as it was.
      ...['--warnings', 'off', '--no-color', '--output-sanitize', 'false'],
      // Slow or wasteful generation is no finding.
      ...['--suppress-health-check', 'all'],
    ],
    { cwd: FOLDER, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let report = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (report += chunk.toString()));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, report }));
  });
}

function attempt(command: string, args: readonly string[], problem: string): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return;
  throw new Error(`${problem}.\n${(error?.message ?? stderr ?? '').slice(-2_000)}`);
}
