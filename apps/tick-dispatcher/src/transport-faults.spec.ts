import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import net, { type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { loadConfig } from '@tickwire/config';
import { agentDelivery, type AgentDelivery } from '@tickwire/contracts';
import { ManagementServer, type RunningApp } from '@tickwire/runtime';
import { testDatabase } from '@tickwire/testing';
import { pino } from 'pino';
import { DispatchBench, until } from '../fixtures/dispatch-bench.js';
import { startTickDispatcher } from './start-tick-dispatcher.js';
import { TickDispatcherConfig } from './tick-dispatcher.config.js';

const NAME = 'agents.example.com';
const ACTIONS = '{"actions":[{"type":"FLEE","payload":{}}]}';
/** Long enough for a busy machine to answer in, short enough to be waited for four times. */
const TIMEOUT_MS = 4_000;
const LIMIT = 65_536;

/** What a receiver does with the nth request of a connection; `connection` counts them from 1. */
type Speak = (socket: Socket, request: number, connection: number) => void;

interface Fault {
  speak: Speak;
  /** TLS with this certificate; `silent` never shakes hands, `none` answers anything in plain http. Default: plain http. */
  certificate?: string;
  url?: (port: number) => string;
  expected: Partial<AgentDelivery> & { requests?: number };
}

const answer = (head: string, body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from(`HTTP/1.1 ${head}\r\ncontent-length: ${body.length}\r\n\r\n`), Buffer.from(body)]);
const says =
  (bytes: string | Buffer): Speak =>
  (socket) =>
    void socket.write(bytes);
const drips =
  (begin: string, piece: string): Speak =>
  (socket) => {
    socket.write(begin);
    const timer = setInterval(() => socket.write(piece), 20);
    socket.once('close', () => clearInterval(timer));
  };
const compressed = (encoding: string, bytes: Buffer): Speak =>
  says(answer(`200 OK\r\ncontent-encoding: ${encoding}`, bytes));
const chunkedBody = (bytes: number): string =>
  `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`;

const failed = (attempts: number, error: string): Fault['expected'] => ({
  outcome: 'failed',
  attempts,
  actions: 0,
  error: expect.stringContaining(error) as string,
});
const taken = { outcome: 'delivered', attempts: 1, actions: 1, statusCode: 200 } as const;
const noJson: Fault['expected'] = {
  outcome: 'delivered',
  attempts: 1,
  actions: 0,
  error: expect.stringContaining('JSON') as string,
};
const secure = (port: number): string => `https://${NAME}:${port}/`;
const ZEROS = Buffer.alloc(5_000_000);
const OK = says(answer('200 OK', ACTIONS));

const FAULTS: Record<string, Fault> = {
  'a name that does not exist': {
    speak: OK,
    url: (port) => `http://nobody.example.com:${port}/`,
    expected: { ...failed(4, 'dns'), requests: 0 },
  },
  'a name server that does not answer': {
    speak: OK,
    url: (port) => `http://silence.example.com:${port}/`,
    expected: { ...failed(4, 'timeout'), requests: 0 },
  },
  'a certificate that holds': { certificate: 'good', url: secure, speak: OK, expected: { ...taken, requests: 1 } },
  'a certificate that nobody vouches for': {
    certificate: 'self-signed',
    url: secure,
    speak: OK,
    expected: { ...failed(4, 'tls'), requests: 0 },
  },
  'a certificate for another name': {
    certificate: 'wrong-host',
    url: secure,
    speak: OK,
    expected: { ...failed(4, 'tls'), requests: 0 },
  },
  'a certificate that has expired': {
    certificate: 'expired',
    url: secure,
    speak: OK,
    expected: { ...failed(4, 'tls'), requests: 0 },
  },
  'http where https is expected': { certificate: 'none', url: secure, speak: OK, expected: failed(4, 'tls') },
  'a handshake without end': {
    certificate: 'silent',
    url: secure,
    speak: OK,
    expected: { ...failed(4, 'timeout'), requests: 0 },
  },
  'a reset before the answer': {
    speak: (socket) => socket.resetAndDestroy(),
    expected: { ...failed(4, 'reset'), requests: 4 },
  },
  'a reset within the body': {
    speak: (socket) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"act', () => socket.resetAndDestroy()),
    expected: { ...failed(4, 'reset'), requests: 4 },
  },
  'an end instead of an answer': { speak: (socket) => socket.end(), expected: { ...failed(4, 'reset'), requests: 4 } },
  'headers that drip': {
    speak: drips('HTTP/1.1 200 OK\r\nx: ', 'y'),
    expected: { ...failed(4, 'timeout'), requests: 4 },
  },
  'a body that drips': {
    speak: drips('HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n', ' '),
    expected: { ...failed(4, 'timeout'), requests: 4, statusCode: 200 },
  },
  'a body over the limit, announced': {
    speak: says(answer('200 OK', 'x'.repeat(LIMIT + 1))),
    expected: { ...failed(1, 'too_large'), requests: 1 },
  },
  'a body over the limit, in chunks': {
    speak: says(chunkedBody(LIMIT + 1)),
    expected: { ...failed(1, 'too_large'), requests: 1 },
  },
  'a body without end': {
    speak: drips('HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(20_000)),
    expected: { ...failed(1, 'too_large'), requests: 1 },
  },
  'a body of exactly the limit': { speak: says(answer('200 OK', ACTIONS.padEnd(LIMIT))), expected: taken },
  'an error page over the limit': {
    speak: says(answer('503 Busy', 'x'.repeat(LIMIT + 1))),
    expected: { ...failed(4, 'too_large'), requests: 4, statusCode: 503 },
  },
  'actions in gzip, unasked': { speak: compressed('gzip', gzipSync(ACTIONS)), expected: taken },
  'a bomb in gzip': { speak: compressed('gzip', gzipSync(ZEROS)), expected: failed(1, 'too_large') },
  'a bomb in deflate': { speak: compressed('deflate', deflateSync(ZEROS)), expected: failed(1, 'too_large') },
  'a bomb in br': { speak: compressed('br', brotliCompressSync(ZEROS)), expected: failed(1, 'too_large') },
  // Encodings that are not inflated cannot explode: their bytes are no JSON.
  'a bomb in zstd': { speak: compressed('zstd', zstdCompressSync(ZEROS)), expected: noJson },
  'a bomb in a bomb': { speak: compressed('gzip, gzip', gzipSync(gzipSync(ZEROS))), expected: noJson },
  'hints before the answer': {
    speak: says(
      Buffer.concat([
        Buffer.from('HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'),
        answer('200 OK', ACTIONS),
      ]),
    ),
    expected: { ...taken, requests: 1 },
  },
  // RFC 9110, 15.2: a client takes interim answers although it does not expect one.
  'a 100 that nobody asked for': {
    speak: says(Buffer.concat([Buffer.from('HTTP/1.1 100 Continue\r\n\r\n'), answer('200 OK', ACTIONS)])),
    expected: { ...taken, requests: 1 },
  },
  'hints without end': {
    speak: drips('', 'HTTP/1.1 102 Processing\r\n\r\n'),
    expected: { ...failed(4, 'timeout'), requests: 4 },
  },
  'an upgrade that nobody asked for': {
    speak: says('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
    expected: { ...failed(4, 'invalid_response'), requests: 4 },
  },
  'actions called text/html': {
    speak: says(answer('200 OK\r\ncontent-type: text/html', ACTIONS)),
    expected: taken,
  },
  'actions without a type': { speak: OK, expected: taken },
  'a page called application/json': {
    speak: says(answer('200 OK\r\ncontent-type: application/json', '<html></html>')),
    expected: noJson,
  },
};
for (const status of [300, 301, 302, 303, 304, 305, 307, 308]) {
  FAULTS[`a ${status}`] = {
    speak: (socket) => {
      const location = `http://127.0.0.1:${socket.localPort}/elsewhere`;
      // A 304 has no body, whatever its length says.
      socket.write(`HTTP/1.1 ${status} x\r\nlocation: ${location}\r\ncontent-length: 0\r\n\r\n`);
    },
    expected: { ...failed(1, `HTTP ${status}`), requests: 1, statusCode: status },
  };
}

describe('the tick dispatcher: faults of receivers', () => {
  let bench: DispatchBench;
  let running: RunningApp;
  let ends: Map<string, AgentDelivery>;
  const authority = mkdtempSync(path.join(tmpdir(), 'tickwire-authority-'));
  const servers: net.Server[] = [];
  const sockets = new Set<Socket>();
  const requests = new Map<string, number>();

  const pem = (name: string): Buffer => readFileSync(path.join(authority, name));
  const serverFor = (certificate: string | undefined, accept: (socket: Socket) => void): net.Server => {
    switch (certificate) {
      case undefined:
        return net.createServer(accept);
      case 'silent':
        return net.createServer((socket) => void socket.resume());
      case 'none':
        return net.createServer((socket) => socket.once('data', () => socket.end(answer('400 Bad Request'))));
      default:
        return tls.createServer({ key: pem('key.pem'), cert: pem(`${certificate}.pem`) }, accept);
    }
  };
  const listen = async (id: string, { speak, certificate }: Fault): Promise<number> => {
    requests.set(id, 0);
    let connections = 0;
    const accept = (socket: Socket): void => {
      connections += 1;
      const connection = connections;
      let nth = 0;
      onRequests(socket, () => {
        requests.set(id, requests.get(id)! + 1);
        speak(socket, (nth += 1), connection);
      });
    };
    const server = serverFor(certificate, accept);
    server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    });
    server.on('tlsClientError', () => undefined);
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const startDispatcher = (): Promise<RunningApp> =>
    startTickDispatcher(
      loadConfig(TickDispatcherConfig, {
        DATABASE_URL: 'postgresql://the-host-has-it',
        EVENT_LOG: 'postgres',
        SECRETS_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
        CALLBACK_ALLOW_CIDRS: '127.0.0.1',
        CALLBACK_ALLOW_HTTP: 'true',
        CALLBACK_TIMEOUT_MS: String(TIMEOUT_MS),
      }),
      {
        app: 'tick-dispatcher',
        logger: pino({ level: 'silent' }),
        pool: bench.pool,
        log: bench.log,
        management: new ManagementServer({ port: 0 }),
        now: () => Date.now(),
      },
      {
        ca: pem('ca.pem'),
        resolver: (name) => {
          if (name === NAME) return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
          if (name.startsWith('silence')) return new Promise(() => undefined);
          return Promise.reject(Object.assign(new Error('queryA'), { code: 'ENOTFOUND' }));
        },
      },
    );
  const endsOfTick = async (tick: number): Promise<Map<string, AgentDelivery>> => {
    const all = (await bench.events(agentDelivery)).map(({ data }) => data).filter((data) => data.tick === tick);
    return new Map(all.map((data) => [data.agentId, data]));
  };
  const idOf = (fault: string): string => `agt_${Object.keys(FAULTS).indexOf(fault)}`;

  beforeAll(async () => {
    makeCertificates(authority);
    bench = await DispatchBench.open(await testDatabase());
    for (const [name, fault] of Object.entries(FAULTS)) {
      const port = await listen(idOf(name), fault);
      await bench.agent(idOf(name), { callbackUrl: fault.url?.(port) ?? `http://127.0.0.1:${port}/` });
    }
    running = await startDispatcher();
    await bench.tick(1, Object.keys(FAULTS).map(idOf));
    await until(async () => (ends = await endsOfTick(1)).size === Object.keys(FAULTS).length);
  });

  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    for (const server of servers) server.close();
    await running?.stop();
    await bench?.close();
    rmSync(authority, { recursive: true, force: true });
  });

  it.each(Object.keys(FAULTS))('%s', async (name) => {
    const { requests: heard, ...expected } = FAULTS[name]!.expected;
    expect(ends.get(idOf(name))).toMatchObject(expected);
    if (heard !== undefined) expect(requests.get(idOf(name))).toBe(heard);
    const { breaker } = await bench.settled(idOf(name), 1);
    expect(breaker).toEqual({ phase: 'closed', consecutiveFailures: expected.outcome === 'failed' ? 1 : 0 });
  });

  it('a reset of a reused connection before any byte of an answer: sent again at once, uncounted', async () => {
    const id = 'agt_keep_alive';
    const fault: Fault = {
      // The first connection serves one request, and is gone when the second comes.
      speak: (socket, request, connection) =>
        connection === 1 && request === 2 ? socket.resetAndDestroy() : OK(socket, request, connection),
      expected: {},
    };
    await bench.agent(id, { callbackUrl: `http://127.0.0.1:${await listen(id, fault)}/` });
    for (const tick of [2, 3]) {
      await bench.tick(tick, [id]);
      await until(async () => (await endsOfTick(tick)).has(id));
    }
    expect((await endsOfTick(3)).get(id)).toMatchObject(taken);
    expect(requests.get(id)).toBe(3);
    expect((await bench.settled(id, 3)).breaker).toEqual({ phase: 'closed', consecutiveFailures: 0 });
  });
});

/** Calls back for each whole request on a connection. */
function onRequests(socket: Socket, heard: () => void): void {
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    for (;;) {
      const head = bytes.indexOf('\r\n\r\n');
      if (head < 0) return;
      const length = Number(/content-length: (\d+)/i.exec(bytes.subarray(0, head).toString('latin1'))?.[1] ?? 0);
      if (bytes.length < head + 4 + length) return;
      bytes = bytes.subarray(head + 4 + length);
      heard();
    }
  });
}

/** Only `openssl ca` can date a certificate back. */
const AUTHORITY = `[ca]
default_ca = authority
[authority]
new_certs_dir = .
database = index.txt
rand_serial = yes
unique_subject = no
certificate = ca.pem
private_key = ca-key.pem
default_md = sha256
default_days = 2
policy = any
copy_extensions = copy
[any]
commonName = supplied
`;

/** An authority, and what it vouches for or does not: `<name>.pem` for each, all with `key.pem`. */
function makeCertificates(dir: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' });
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...curve, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=Authority');
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-out', 'key.pem');
  writeFileSync(path.join(dir, 'ca.cnf'), AUTHORITY);
  writeFileSync(path.join(dir, 'index.txt'), '');
  const selfSigned = ['-key', 'key.pem', '-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME}`];
  openssl('req', '-x509', ...selfSigned, '-out', 'self-signed.pem', '-days', '2');
  for (const [name, host] of [
    ['good', NAME],
    ['wrong-host', 'other.example.com'],
    ['expired', NAME],
  ] as const) {
    const named = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
    openssl('req', '-new', '-key', 'key.pem', ...named, '-out', `${name}.csr`);
    const validity = name === 'expired' ? ['-startdate', '20200101000000Z', '-enddate', '20210101000000Z'] : [];
    openssl('ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', `${name}.csr`, '-out', `${name}.pem`, ...validity);
  }
}
