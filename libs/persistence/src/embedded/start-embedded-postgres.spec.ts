import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { EmbeddedPostgresError } from './embedded-postgres-error.js';
import { isAlive } from './folder-owner.js';
import { startEmbeddedPostgres } from './start-embedded-postgres.js';
import type { EmbeddedPostgres, EmbeddedPostgresOptions } from './start-embedded-postgres.js';

const PARENT = fileURLToPath(new URL('../../fixtures/postgres-parent.mjs', import.meta.url));

/** One cluster for the whole file: initialising takes the longest. Its folders are closed to other users, as mkdtemp makes them. */
let parentFolder: string;
let dataDir: string;
let server: EmbeddedPostgres | undefined;
const children: ChildProcess[] = [];

beforeAll(async () => {
  parentFolder = await mkdtemp(path.join(tmpdir(), 'tickwire-embedded-'));
  dataDir = path.join(parentFolder, 'data');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL'); // where a test failed before it did
  await server?.stop();
  server = undefined;
});
afterAll(() => rm(parentFolder, { recursive: true, force: true }));

async function start(options: Partial<EmbeddedPostgresOptions> = {}): Promise<EmbeddedPostgres> {
  server = await startEmbeddedPostgres({ dataDir, ...options });
  return server;
}

async function query<Row extends object>(connectionString: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Names of the files of the write-ahead log, in order. */
async function segmentsOf(connectionString: string): Promise<string[]> {
  const rows = await query<{ name: string }>(connectionString, 'SELECT "name" FROM pg_ls_waldir() ORDER BY "name"');
  return rows.map(({ name }) => name);
}

async function problemOf(work: Promise<unknown>): Promise<EmbeddedPostgresError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof EmbeddedPostgresError)) throw new Error(`expected a refusal, got ${String(error)}`);
  return error;
}

/** A Node process of its own that runs the server, as `npm start` would. */
async function startInOtherProcess(
  then: 'wait' | 'exit',
): Promise<{ child: ChildProcess; connectionString: string; pid: number }> {
  const child = spawn(process.execPath, [PARENT, dataDir, then], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] },
  });
  children.push(child);
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  return { child, ...(JSON.parse(line.toString()) as { connectionString: string; pid: number }) };
}

async function ended(pid: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (isAlive(pid)) {
    if (performance.now() > deadline) throw new Error(`process ${pid} is still there`);
    await sleep(10);
  }
}

describe('startEmbeddedPostgres', () => {
  it('creates a durable UTF8 cluster on loopback, behind a password that only its owner can read', async () => {
    const messages: string[] = [];
    const { connectionString, port } = await start({ onProgress: (message) => messages.push(message) });
    expect(messages).toContain(`Created a database in ${dataDir}`);
    const [settings] = await query(
      connectionString,
      `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit, current_setting('autovacuum') AS vacuum,
              current_setting('listen_addresses') AS listens, current_setting('unix_socket_directories') AS sockets,
              current_setting('server_encoding') AS encoding, current_setting('max_connections') AS connections,
              (SELECT datcollate FROM pg_database WHERE datname = current_database()) AS collation`,
    );
    expect(settings).toEqual({
      fsync: 'on',
      commit: 'on',
      vacuum: 'on',
      listens: '127.0.0.1',
      sockets: '.',
      encoding: 'UTF8',
      connections: '200',
      collation: 'C',
    });
    expect((await stat(`${dataDir}.password`)).mode & 0o777).toBe(0o600);
    expect((await stat(dataDir)).mode & 0o077).toBe(0);
    await expect(query(`postgresql://tickwire:wrong@127.0.0.1:${port}/tickwire`, 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
    await query(connectionString, 'CREATE TABLE kept (n int); INSERT INTO kept VALUES (1)');
  });

  it('answers through a socket in its folder too, behind the same password', async () => {
    const { socketConnectionString, connectionString } = await start();
    expect(socketConnectionString).toContain(encodeURIComponent(dataDir));
    const [{ address } = { address: '' }] = await query<{ address: string | null }>(
      socketConnectionString,
      'SELECT inet_client_addr()::text AS address',
    );
    expect(address).toBeNull();
    const { password } = new URL(connectionString);
    await expect(query(socketConnectionString.replace(password, 'wrong'), 'SELECT 1')).rejects.toMatchObject({
      code: '28P01',
    });
  });

  it('keeps its data and its password over a stop, which may be called twice', async () => {
    const first = await start();
    await Promise.all([first.stop(), first.stop()]);
    expect(isAlive(first.pid)).toBe(false);
    const second = await start();
    expect(await query(second.connectionString, 'SELECT n FROM kept')).toEqual([{ n: 1 }]);
    expect(new URL(second.connectionString).password).toBe(new URL(first.connectionString).password);
  });

  it('shuts down the server that a killed parent left behind, and loses nothing', async () => {
    const other = await startInOtherProcess('wait');
    await query(other.connectionString, 'INSERT INTO kept VALUES (2)');
    other.child.kill('SIGKILL');
    await once(other.child, 'exit');
    expect(isAlive(other.pid)).toBe(true);
    const messages: string[] = [];
    const { connectionString, pid } = await start({ onProgress: (message) => messages.push(message) });
    expect(messages).toContain(`Shut down Postgres (process ${other.pid}), left over by an earlier run`);
    await ended(other.pid);
    expect(pid).not.toBe(other.pid);
    expect(await query(connectionString, 'SELECT n FROM kept ORDER BY n')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('recovers when parent and server were killed at once', async () => {
    const other = await startInOtherProcess('wait');
    await query(other.connectionString, 'INSERT INTO kept VALUES (3)');
    other.child.kill('SIGKILL');
    process.kill(other.pid, 'SIGKILL');
    await Promise.all([once(other.child, 'exit'), ended(other.pid)]);
    const { connectionString } = await start();
    expect(await query(connectionString, 'SELECT max(n) AS n FROM kept')).toEqual([{ n: 3 }]);
  });

  it('takes the server along when its process exits without stopping it', async () => {
    const other = await startInOtherProcess('exit');
    await ended(other.pid);
    await expect(readFile(path.join(dataDir, 'postmaster.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('is not misled by a pid file that names a living process which is no Postgres', async () => {
    const stranger = spawn('sleep', ['60']);
    await writeFile(path.join(dataDir, 'postmaster.pid'), `${stranger.pid}\n/somewhere\n`);
    const { connectionString } = await start();
    expect(await query(connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(isAlive(stranger.pid as number)).toBe(true);
    stranger.kill();
  });

  it('refuses a folder on which a living process of ours has its server', async () => {
    const other = await startInOtherProcess('wait');
    const problem = await problemOf(startEmbeddedPostgres({ dataDir }));
    expect([problem.code, problem.message]).toEqual([
      'FOLDER_IN_USE',
      expect.stringContaining(`Process ${other.child.pid}`),
    ]);
    expect(await query(other.connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    other.child.kill('SIGKILL');
    await once(other.child, 'exit');
  });

  it('sets a new password when its file was lost', async () => {
    const before = await readFile(`${dataDir}.password`, 'utf8');
    await start().then((running) => running.stop());
    await rm(`${dataDir}.password`);
    const { connectionString } = await start();
    expect(await query(connectionString, 'SELECT max(n) AS n FROM kept')).toEqual([{ n: 3 }]);
    expect(new URL(connectionString).password).not.toBe(before.trim());
  });

  it('has its write-ahead log before it is filled, where it was asked to', async () => {
    const folder = path.join(parentFolder, 'ahead');
    const { connectionString } = await start({ dataDir: folder, logAheadMb: 96 });
    const made = await segmentsOf(connectionString);
    expect(made.length).toBeGreaterThanOrEqual(6);
    await query(
      connectionString,
      `SELECT pg_logical_emit_message(false, '', repeat('x', 8000000)) FROM generate_series(1, 8)`,
    );
    expect(await segmentsOf(connectionString)).toEqual(made);
  });

  it('says so when the file of the password holds another one', async () => {
    const kept = await readFile(`${dataDir}.password`);
    await writeFile(`${dataDir}.password`, 'guessed\n');
    const problem = await problemOf(startEmbeddedPostgres({ dataDir }));
    expect(problem.message).toContain('Delete that file');
    expect(problem.message).not.toContain('guessed');
    await writeFile(`${dataDir}.password`, kept);
  });

  it('refuses a given port that is taken, and is free to start elsewhere afterwards', async () => {
    const squatter = createServer().listen(0, '127.0.0.1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const problem = await problemOf(startEmbeddedPostgres({ dataDir, port }));
    expect([problem.code, problem.message]).toEqual(['PORT_TAKEN', expect.stringContaining(`Port ${port}`)]);
    squatter.close();
    await once(squatter, 'close');
    expect((await start({ port })).port).toBe(port);
  });

  it('reports a server that ends by itself', async () => {
    const unexpected = new Promise<Error>((resolve) => {
      void start({ onUnexpectedExit: resolve }).then(({ pid }) => process.kill(pid, 'SIGKILL'));
    });
    expect((await unexpected).message).toContain('ended by itself (SIGKILL)');
  });

  it('starts an initialisation over that was cut short', async () => {
    const folder = path.join(parentFolder, 'cut');
    await mkdir(folder);
    await writeFile(path.join(folder, 'PG_VERSION'), '18\n');
    await writeFile(`${folder}.unfinished`, '');
    const { connectionString } = await start({ dataDir: folder });
    expect(await query(connectionString, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('refuses data of another major version and tells how to move on', async () => {
    const folder = path.join(parentFolder, 'old');
    await mkdir(folder);
    await writeFile(path.join(folder, 'PG_VERSION'), '15\n');
    const problem = await problemOf(startEmbeddedPostgres({ dataDir: folder }));
    expect([problem.code, problem.message]).toEqual([
      'OTHER_VERSION',
      expect.stringMatching(/PostgreSQL 15.*version 18.*pg_dump/),
    ]);
  });

  it('does not touch a folder that holds something else', async () => {
    const folder = path.join(parentFolder, 'photos');
    await mkdir(folder);
    await writeFile(path.join(folder, 'cat.jpg'), 'meow');
    expect((await problemOf(startEmbeddedPostgres({ dataDir: folder }))).code).toBe('FOLDER_NOT_A_DATABASE');
    expect(await readFile(path.join(folder, 'cat.jpg'), 'utf8')).toBe('meow');
  });

  it('says where it may not write', async () => {
    await writeFile(path.join(parentFolder, 'file'), '');
    const onFile = await problemOf(startEmbeddedPostgres({ dataDir: path.join(parentFolder, 'file', 'data') }));
    expect([onFile.code, onFile.message]).toEqual([
      'FOLDER_NOT_USABLE',
      expect.stringContaining('is a file, not a folder'),
    ]);
    if (process.platform !== 'linux') return;
    const forbidden = await problemOf(startEmbeddedPostgres({ dataDir: '/sys/tickwire' })); // closed to root, too
    expect([forbidden.code, forbidden.message]).toEqual([
      'FOLDER_NOT_USABLE',
      expect.stringContaining('may not write'),
    ]);
  });
});
