// Runs a Redis for development in the foreground: nonces and rate limits as in production, kept across restarts.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const DEFAULT_PORT = 6379;
const DATA = join(dirname(dirname(fileURLToPath(import.meta.url))), '.tickwire', 'redis');
const USAGE = `Usage: npm run redis [-- --port <number>]

Runs redis-server on 127.0.0.1 in the foreground, with its data in .tickwire/redis. Ctrl-C stops it.

Options:
  --port <number>  the port to listen on (default ${DEFAULT_PORT})
  --help           show this text`;

/** Ends with the exit code for a wrong call. */
function refuse(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

function readOptions() {
  try {
    const options = { port: { type: 'string', default: String(DEFAULT_PORT) }, help: { type: 'boolean', short: 'h' } };
    return parseArgs({ options }).values;
  } catch (error) {
    return refuse(error.message);
  }
}

const { port, help } = readOptions();
if (help) {
  console.log(USAGE);
  process.exit(0);
}
if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
  refuse(`--port must be 1 to 65535, not ${port}`);

mkdirSync(DATA, { recursive: true });
const settings = ['--bind', '127.0.0.1', '--port', port, '--dir', DATA, '--appendonly', 'yes', '--daemonize', 'no'];
const server = spawn('redis-server', settings, { stdio: 'inherit' });

server.on('spawn', () => console.log(`Starting Redis on redis://127.0.0.1:${port}, data in ${DATA}. Ctrl-C stops it.`));
server.on('error', (error) => {
  console.error(
    error.code === 'ENOENT'
      ? 'redis-server is not installed: apt-get install redis-server (Debian, Ubuntu) or brew install redis (macOS).'
      : `redis-server cannot be started: ${error.message}`,
  );
  process.exitCode = 1;
});
// Ctrl-C in a terminal reaches the server by itself; a second SIGINT would make it end without saving. A signal that is
// sent to this process alone is passed on. Either way this process stays until the server has ended.
process.on('SIGINT', () => {
  if (!process.stdin.isTTY) server.kill('SIGINT');
});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => server.kill('SIGTERM'));
server.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 0);
});
