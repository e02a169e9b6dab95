import net from 'node:net';

/** Stands between a client and a server on loopback, and loses what it is told to lose. */
export interface TcpProxy {
  host: string;
  port: number;
  /** Bytes passed from the server to clients. */
  readonly bytesToClients: number;
  /** While true, what the server answers is thrown away; the connections stay. */
  dropAnswers: boolean;
  /** Ends all connections abruptly; new ones are accepted. */
  cut(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<net.Socket>();
  let bytesToClients = 0;
  const server = net.createServer((client) => {
    const upstream = net.connect(target);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.pipe(upstream);
    upstream.on('data', (chunk) => {
      if (proxy.dropAnswers) return;
      bytesToClients += chunk.length;
      // Backpressure has to reach the server, or the proxy would read ahead of the client.
      if (!client.write(chunk)) {
        upstream.pause();
        client.once('drain', () => upstream.resume());
      }
    });
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
    client.once('close', () => [client, upstream].forEach((socket) => sockets.delete(socket)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { address: host, port } = server.address() as net.AddressInfo;
  const proxy: TcpProxy = {
    host,
    port,
    get bytesToClients() {
      return bytesToClients;
    },
    dropAnswers: false,
    cut: () => sockets.forEach((socket) => socket.destroy()),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sockets.forEach((socket) => socket.destroy());
      }),
  };
  return proxy;
}
