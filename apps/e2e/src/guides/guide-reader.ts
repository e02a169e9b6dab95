import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { GuideExample } from './guide-examples.js';
import { RunningExample } from './running-example.js';

const run = promisify(execFile);
const TIMEOUT_MS = 60_000;

/** How a file with the example is run. */
const RUNNERS: Record<string, { file: string; command: readonly [string, ...string[]] }> = {
  bash: { file: 'example.sh', command: ['bash', '-euo', 'pipefail'] },
  python: { file: 'example.py', command: ['python3'] },
  // Node takes the types away by itself.
  typescript: { file: 'example.mts', command: [process.execPath] },
};

/**
 * Somebody who follows a guide from top to bottom in one terminal: a folder in which a local system has left its
 * `dev.json`, the repository's `docs`, and the variables that earlier examples have exported. Nothing else of the
 * environment is there to help.
 */
export class GuideReader {
  private readonly folder = mkdtempSync(path.join(tmpdir(), 'tickwire-guide-'));
  private env: Record<string, string>;

  /**
   * @param given what the local system has written into `dev.json`
   * @param docs the repository's folder
   * @param exported what the reader has exported before the first example
   */
  constructor(given: object, docs: string, exported: Readonly<Record<string, string>> = {}) {
    // `node` is the one that runs this: a machine's own may be too old for types.
    const PATH = [path.dirname(process.execPath), process.env['PATH'] ?? ''].join(path.delimiter);
    this.env = { PATH, HOME: this.folder, ...exported };
    mkdirSync(path.join(this.folder, '.tickwire'));
    writeFileSync(path.join(this.folder, '.tickwire/dev.json'), JSON.stringify(given));
    symlinkSync(docs, path.join(this.folder, 'docs'));
  }

  /** @returns what has been exported. @throws Error where it has not */
  variable(name: string): string {
    const value = this.env[name];
    if (value === undefined) throw new Error(`No example has exported ${name}`);
    return value;
  }

  /**
   * @returns what the example printed
   * @throws Error with its output when it fails, also in the middle of a pipe, or uses a variable that is not set
   */
  async follow({ language, code }: GuideExample): Promise<string> {
    const runner = RUNNERS[language];
    if (runner === undefined) throw new Error(`Nobody knows how to run ${language || 'a fence without a language'}`);
    const exported = path.join(this.folder, 'exported');
    const file = path.join(this.folder, runner.file);
    writeFileSync(file, language === 'bash' ? `${code}\nenv -0 > '${exported}'\n` : code);
    const [command, ...args] = runner.command;
    const { stdout } = await run(command, [...args, file], { cwd: this.folder, env: this.env, timeout: TIMEOUT_MS });
    if (language === 'bash') this.env = parseEnvironment(readFileSync(exported, 'utf8'));
    return stdout;
  }

  /** Saves an example under the name that the guide gives it, for later ones to run. */
  save({ code }: GuideExample, name: string): void {
    writeFileSync(path.join(this.folder, name), code);
  }

  /** @returns a file that an example has left */
  read(name: string): Buffer {
    return readFileSync(path.join(this.folder, name));
  }

  /** Starts an example of a single command that runs until it is stopped. */
  start({ code }: GuideExample): RunningExample {
    return new RunningExample(spawn('bash', ['-euc', code.trim()], { cwd: this.folder, env: this.env }));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** @param text `NAME=value`, each ended by NUL */
function parseEnvironment(text: string): Record<string, string> {
  const entries = text.split('\0').filter((entry) => entry !== '');
  return Object.fromEntries(entries.map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)]));
}
