/**
 * A real single-node Kafka (KRaft) from Maven Central, without a container engine: resolves the jars of `pom.xml`
 * once, formats a data folder, runs the broker on loopback. Development (`tools/kafka.mjs`) and tests
 * (`@tickwire/testing`) both use it.
 */
import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = join(HERE, '..', '..');
const POM = join(HERE, 'pom.xml');
const HOST = '127.0.0.1';
const MIN_JAVA = 17;
/** No optimising compiler: up sooner on a busy machine, slower once warm. */
const QUICK_START = ['-XX:TieredStopAtLevel=1'];
const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 20_000;

export const KAFKA_VERSION = /<kafka\.version>([^<]+)</.exec(readFileSync(POM, 'utf8'))[1];

/** Something that has to be installed by hand is not there; the message says what. */
export class ToolMissing extends Error {}

/** The port is taken by somebody else. */
export class PortBusy extends Error {}

/** @throws {ToolMissing} when there is no Java 17 or newer on the PATH */
async function requireJava() {
  const { stderr, stdout } = await run('java', ['-version'], { env: process.env }).catch(() => ({
    stderr: '',
    stdout: '',
  }));
  const major = Number(/version "(\d+)/.exec(stderr + stdout)?.[1] ?? 0);
  if (major < MIN_JAVA) {
    const found = major === 0 ? 'no java on the PATH' : `Java ${major}`;
    throw new ToolMissing(`Kafka needs Java ${MIN_JAVA} or newer, found ${found} (Debian: openjdk-17-jre-headless)`);
  }
}

/**
 * The folder with the broker's jars; copied there by Maven the first time (about 45 MB, half a minute).
 * Safe beside others doing the same: the folder appears whole, by a rename.
 * @throws {ToolMissing} when the jars are not there yet and neither is Maven
 */
async function resolveJars(onProgress) {
  const cache = join(ROOT, '.cache', 'kafka', KAFKA_VERSION);
  const libs = join(cache, 'libs');
  if (existsSync(libs)) return libs;
  await run('mvn', ['-v'], { env: process.env }).catch(() => {
    throw new ToolMissing('The jars of Kafka are fetched with Maven, and there is no mvn on the PATH (Debian: maven)');
  });
  onProgress(`fetching Kafka ${KAFKA_VERSION} with Maven into ${libs} (once, about 45 MB)`);
  await mkdir(cache, { recursive: true });
  const partial = join(cache, `libs.${randomUUID()}`);
  await run('mvn', ['-B', '-q', 'dependency:copy-dependencies', '-f', POM, `-DoutputDirectory=${partial}`], {
    timeout: 600_000,
    maxBuffer: 16 * 1024 * 1024,
  });
  await rename(partial, libs).catch(async (error) => {
    await rm(partial, { recursive: true, force: true });
    if (!existsSync(libs)) throw error; // otherwise somebody else was faster
  });
  return libs;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function portIsFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, HOST, () => server.close(() => resolve(true)));
  });
}

// Few threads: clients and broker share the processors of one machine, and every request passes from thread to thread.
const properties = (dataDir, port, controllerPort) => `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${HOST}:${controllerPort}
listeners=PLAINTEXT://${HOST}:${port},CONTROLLER://${HOST}:${controllerPort}
advertised.listeners=PLAINTEXT://${HOST}:${port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(dataDir, 'log')}
auto.create.topics.enable=false
num.partitions=12
num.network.threads=1
num.io.threads=2
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.check.interval.ms=1000
`;

const LOG4J = `status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
`;

/** Formats the data folder unless it is formatted; keeps the controller's port, which the quorum remembers. */
async function prepare(libs, dataDir, port) {
  await mkdir(dataDir, { recursive: true });
  const controllerFile = join(dataDir, 'controller-port');
  const earlier = await readFile(controllerFile, 'utf8').catch(() => undefined);
  const controllerPort = earlier ? Number(earlier) : await freePort();
  await writeFile(controllerFile, String(controllerPort));
  const config = join(dataDir, 'server.properties');
  await writeFile(config, properties(dataDir, port, controllerPort));
  await writeFile(join(dataDir, 'log4j2.properties'), LOG4J);
  if (!existsSync(join(dataDir, 'log', 'meta.properties'))) {
    const random = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
    // Kafka's tools take an id that begins with a hyphen for an option.
    const clusterId = random.replace(/^-/, 'A');
    const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', config];
    await run('java', ['-Xmx128m', ...QUICK_START, '-cp', join(libs, '*'), ...format]);
  }
  return config;
}

/** ApiVersions, version 0, of a client without a name: the one request every broker answers, whatever its age. */
const API_VERSIONS = Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0, 0]);

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect({ host: HOST, port }, () => socket.write(API_VERSIONS));
    const settle = (answered) => () => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(2_000, settle(false));
    socket.once('data', settle(true));
    socket.once('error', settle(false));
    socket.once('close', settle(false));
  });
}

/** Asks until an answer comes, the process dies or the time is over. */
async function waitUntilItAnswers(child, port, logFile) {
  const deadline = performance.now() + START_TIMEOUT_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.signalCode !== null || performance.now() > deadline) {
      const log = await readFile(logFile, 'utf8').catch(() => '');
      throw new Error(`Kafka did not start; the end of ${logFile}:\n${log.slice(-3000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * Starts a broker and resolves once it answers.
 *
 * @param options.dataDir    created and formatted when it is new; what it holds survives restarts
 * @param options.port       of the client listener; a free one when absent
 * @param options.isLongLived compiled for throughput rather than for a quick start
 * @param options.onProgress told one line at a time what takes long
 * @returns `stop` ends it in order, `kill` by SIGKILL (as a crash), `restart` brings it up again on the same port and
 *   data; `exited` resolves when the present process has ended. All are safe to call twice.
 * @throws {ToolMissing} without Java 17 or Maven
 * @throws {PortBusy} when `port` is taken
 */
export async function startBroker({ dataDir, port, isLongLived = false, onProgress = () => undefined }) {
  await requireJava();
  const libs = await resolveJars(onProgress);
  if (port !== undefined && !(await portIsFree(port))) throw new PortBusy(`Port ${port} on ${HOST} is in use`);
  const ownPort = port ?? (await freePort());
  const logFile = join(dataDir, 'broker.log');
  let child;
  let exited;

  async function launch() {
    const config = await prepare(libs, dataDir, ownPort);
    const output = openSync(logFile, 'a');
    const heap = ['-Xmx512m', '-XX:+UseSerialGC', ...(isLongLived ? [] : QUICK_START)];
    const logging = `-Dlog4j2.configurationFile=${join(dataDir, 'log4j2.properties')}`;
    const launched = spawn('java', [...heap, logging, '-cp', join(libs, '*'), 'kafka.Kafka', config], {
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    child = launched;
    exited = new Promise((resolve) => launched.once('exit', resolve));
    try {
      await waitUntilItAnswers(launched, ownPort, logFile);
    } catch (error) {
      launched.kill('SIGKILL');
      throw error;
    }
  }
  async function end(signal) {
    child.kill(signal);
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await exited;
    clearTimeout(force);
  }
  // A parent that dies must not leave a broker behind.
  process.once('exit', () => child?.kill('SIGKILL'));

  onProgress(`starting Kafka ${KAFKA_VERSION} on ${HOST}:${ownPort}`);
  await launch();
  return {
    brokers: [`${HOST}:${ownPort}`],
    get pid() {
      return child.pid;
    },
    get exited() {
      return exited;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    restart: async () => {
      await end('SIGTERM');
      await launch();
    },
  };
}
