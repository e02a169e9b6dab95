import { createServer, type AddressInfo } from 'node:net';

/** The first of `count` neighbouring ports that are free now. */
export async function freePorts(count: number): Promise<number> {
  for (;;) {
    const first = await freePort();
    const all = await Promise.all(Array.from({ length: count - 1 }, (_, n) => freePort(first + 1 + n).catch(() => 0)));
    if (first + count < 65_535 && all.every((port) => port > 0)) return first;
  }
}

function freePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
