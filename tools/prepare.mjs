// Installs and builds what is missing. Uses nothing from node_modules, because it may not be there yet.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The Node that the packages are made for, wherever npm put it. */
export function pinnedNode() {
  const windows = process.platform === 'win32';
  return path.join(ROOT, 'node_modules/node/bin', windows ? 'node.exe' : 'node');
}

export async function prepare({ build = true } = {}) {
  process.chdir(ROOT);
  await install();
  if (build) await buildAll();
}

async function install() {
  const stamp = path.join(ROOT, 'node_modules/.tickwire-installed');
  const installed = () =>
    createHash('sha256').update(readFileSync('package-lock.json')).update(readFileSync('package.json')).digest('hex');
  if (existsSync(stamp) && existsSync(pinnedNode()) && readFileSync(stamp, 'utf8') === installed()) return;
  // `npm ci` begins by deleting node_modules; where something is installed already, only the difference is wanted.
  const command = existsSync('node_modules') ? 'install' : 'ci';
  await step('Installing packages (a minute or two, the first time)', 'npm', [command, '--no-audit', '--no-fund'], {
    help: `npm ${command} failed. It needs write access to this folder and a package registry; its own words are above.`,
  });
  if (!existsSync(pinnedNode())) {
    throw new Error(
      'npm did not install the pinned Node (package "node"): install scripts may be switched off. Run: npm ci --ignore-scripts=false',
    );
  }
  writeFileSync(stamp, installed());
}

async function buildAll() {
  const stamp = path.join(ROOT, '.cache/built');
  const newest = newestSource();
  if (existsSync(stamp) && Number(readFileSync(stamp, 'utf8')) >= newest && existsSync('apps/standalone/dist/main.js'))
    return;
  await step(
    'Building',
    pinnedNode(),
    ['node_modules/nx/dist/bin/nx.js', 'run-many', '-t', 'build', '--output-style=stream-without-prefixes'],
    {
      env: { NX_DAEMON: 'false', NX_TUI: 'false' },
      help: 'The build failed; its output is above.',
    },
  );
  mkdirSync(path.join(ROOT, '.cache'), { recursive: true });
  writeFileSync(stamp, String(newest));
}

/** When the newest source file was changed, ms. */
function newestSource() {
  let newest = 0;
  const look = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (['node_modules', 'dist', 'generated'].includes(entry.name)) continue;
      const file = path.join(folder, entry.name);
      if (entry.isDirectory()) look(file);
      else newest = Math.max(newest, statSync(file).mtimeMs);
    }
  };
  for (const folder of ['apps', 'libs']) look(path.join(ROOT, folder));
  return newest;
}

/** Runs a command, showing that it goes on, and its output only when it fails. */
export async function step(title, command, args, { help, env = {} } = {}) {
  const startedAt = Date.now();
  const seconds = () => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  const live = process.stdout.isTTY;
  process.stdout.write(live ? `${title}…` : `${title}…\n`);
  const timer = setInterval(() => live && process.stdout.write(`\r${title}… ${seconds()} `), 1_000);
  const output = [];
  const child = spawn(command, args, {
    cwd: ROOT,
    env: { ...process.env, PATH: `${path.dirname(pinnedNode())}${path.delimiter}${process.env.PATH}`, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32',
  });
  child.stdout.on('data', (chunk) => output.push(chunk));
  child.stderr.on('data', (chunk) => output.push(chunk));
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(timer);
  if (live) process.stdout.write(`\r${title}: ${code === 0 ? 'done' : 'failed'} after ${seconds()}   \n`);
  if (code !== 0) {
    process.stdout.write(Buffer.concat(output).toString().split('\n').slice(-60).join('\n'));
    throw new Error(help ?? `${command} ${args.join(' ')} failed`);
  }
}

// `node tools/prepare.mjs [--no-build]`: what npm start and npm test do first, alone.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await prepare({ build: !process.argv.includes('--no-build') });
  } catch (error) {
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}
