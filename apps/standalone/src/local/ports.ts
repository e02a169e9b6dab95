import { createServer } from 'node:net';

/** The ports of a local system, next to each other. */
export interface LocalPorts {
  ingress: number;
  api: number;
  management: number;
  /** The demo's callback receiver and sample agents. */
  demo: number;
}

export class PortTaken extends Error {
  constructor(port: number, name: string) {
    super(
      `Port ${port} (${name}) is in use. Stop what listens there, or choose others: npm start -- --port ${port + 100}`,
    );
  }
}

/** @param base of the first; the others follow. @throws PortTaken naming the first that is in use */
export async function localPorts(base: number): Promise<LocalPorts> {
  const ports: LocalPorts = { ingress: base, api: base + 1, management: base + 2, demo: base + 3 };
  for (const [name, port] of Object.entries(ports) as [string, number][]) {
    if (!(await isFree(port))) throw new PortTaken(port, name);
  }
  return ports;
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
