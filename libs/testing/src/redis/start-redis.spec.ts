import { connect } from 'node:net';
import { startRedis } from './start-redis.js';

/** Sends one inline command. @returns the first line of the answer */
function ask(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(`${command}\r\n`));
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.destroy();
      resolve(chunk.toString().split('\r\n')[0]!);
    });
  });
}
/** Runs `body` with some environment variables changed, and puts them back. */
async function withEnvironment<T>(change: Record<string, string>, body: () => Promise<T>): Promise<T> {
  const before = Object.keys(change).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, change);
  try {
    return await body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

const first = await startRedis();
const withRedis = first === undefined ? it.skip : it;

describe('startRedis', () => {
  afterAll(() => first?.stop());

  withRedis('gives a server of its own to every caller, reachable on loopback', async () => {
    const second = (await startRedis())!;
    try {
      expect(new URL(first!.url).hostname).toBe('127.0.0.1');
      expect(second.url).not.toBe(first!.url);
      await ask(first!.url, 'SET who first');
      expect(await ask(first!.url, 'EXISTS who')).toBe(':1');
      expect(await ask(second.url, 'EXISTS who')).toBe(':0');
    } finally {
      await second.stop();
    }
  });

  withRedis('stops exactly its own server, also a paused one, and may be asked twice', async () => {
    const second = (await startRedis())!;
    process.kill(second.pid, 'SIGSTOP');
    await second.stop();
    await second.stop();
    await expect(ask(second.url, 'PING')).rejects.toThrow('ECONNREFUSED');
    expect(() => process.kill(second.pid, 0)).toThrow('ESRCH');
    expect(await ask(first!.url, 'PING')).toBe('+PONG');
  });

  it('is undefined where no redis-server is installed', async () => {
    const change = { PATH: '/nowhere', TICKWIRE_REQUIRE_ALL: '0' };
    await expect(withEnvironment(change, startRedis)).resolves.toBeUndefined();
  });

  it('says how to install one where all specs are required to run', async () => {
    const change = { PATH: '/nowhere', TICKWIRE_REQUIRE_ALL: '1' };
    await expect(withEnvironment(change, startRedis)).rejects.toThrow('apt-get install redis-server');
  });
});
