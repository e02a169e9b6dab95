import { once } from 'node:events';
import net from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { AddressBlocked, AddressGuard } from './address-guard.js';
import { parseAllowCidrs } from './address-ranges.js';
import { guardedConnect } from './guarded-connector.js';

/** The second wall: it holds for callers that never asked `checkUrl`. */
describe('guardedConnect', () => {
  let server: net.Server;
  let accepted: number;
  beforeEach(async () => {
    accepted = 0;
    server = net.createServer((socket) => {
      accepted += 1;
      socket.resume();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => server.close());

  const connect = (guard: AddressGuard, hostname: string): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const port = String((server.address() as AddressInfo).port);
      guardedConnect(guard, { connectTimeoutMs: 1_000 })({ hostname, protocol: 'http:', port }, (error, socket) =>
        error ? reject(error) : resolve(socket),
      );
    });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])('does not connect to the literal %s', async (literal) => {
    await expect(connect(new AddressGuard(), literal)).rejects.toThrow(AddressBlocked);
    expect(accepted).toBe(0);
  });

  it('does not connect to a name that resolves to a forbidden address', async () => {
    const guard = new AddressGuard({ resolver: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]) });
    await expect(connect(guard, 'bot.example.com')).rejects.toThrow(AddressBlocked);
    expect(accepted).toBe(0);
  });

  it('connects to what is allowed, by literal and by name', async () => {
    const guard = new AddressGuard({
      allowCidrs: parseAllowCidrs('127.0.0.1'),
      resolver: () => Promise.resolve([{ address: '127.0.0.1', family: 4 }]),
    });
    for (const host of ['127.0.0.1', 'bot.example.com']) {
      const socket = await connect(guard, host);
      expect(socket.remoteAddress).toBe('127.0.0.1');
      socket.destroy();
    }
  });
});
