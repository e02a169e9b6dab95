import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TickWebhook } from '@tickwire/contracts';

/** How an agent treats a callback; the first answers with its actions, the others are trouble. */
export type Manner = 'answers' | 'hangs' | 'stalls' | 'drips' | 'floods' | 'garbles' | 'resets';

/** A callback as it came. */
export interface HeardTick {
  tick: number;
  attempt: number;
  body: string;
  signature: string;
  /** Parsed. */
  payload: TickWebhook;
}

export type Decide = (payload: TickWebhook) => object[];

interface Listener {
  manner: Manner;
  decide: Decide;
  heard: HeardTick[];
}

const DRIP_EVERY_MS = 50;

/** Agents of all manners behind one address, so that they share whatever a sender keeps by origin. */
export class AgentServer {
  private readonly agents = new Map<string, Listener>();

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      this.receive(request, response).catch(() => response.destroy());
    });
  }

  static async listen(): Promise<AgentServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new AgentServer(server);
  }

  /** @returns the agent's callback URL */
  add(name: string, manner: Manner, decide: Decide = () => []): string {
    this.agents.set(name, { manner, decide, heard: [] });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${name}`;
  }

  /** In the order of arrival, retries included. */
  heard(name: string): readonly HeardTick[] {
    return this.agents.get(name)!.heard;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const agent = this.agents.get((request.url ?? '/').slice(1));
    if (!agent) return void response.writeHead(404).end();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const payload = JSON.parse(body) as TickWebhook;
    agent.heard.push({
      tick: Number(request.headers['x-wallstreetsim-tick']),
      attempt: Number(request.headers['x-wallstreetsim-attempt']),
      signature: String(request.headers['x-wallstreetsim-signature']),
      body,
      payload,
    });
    misbehave[agent.manner](response, () => JSON.stringify({ actions: agent.decide(payload) }));
  }
}

const misbehave: Record<Manner, (response: ServerResponse, answer: () => string) => void> = {
  answers: (response, answer) => void response.writeHead(200, { 'content-type': 'application/json' }).end(answer()),
  hangs: () => undefined,
  stalls: (response) => void response.writeHead(200, { 'content-length': '100' }).write('{"actions":['),
  drips: (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const timer = setInterval(() => response.write(' '), DRIP_EVERY_MS);
    response.once('close', () => clearInterval(timer));
  },
  floods: (response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const block = Buffer.alloc(16 * 1024, ' ');
    const flood = (): void => {
      while (!response.destroyed && response.write(block));
    };
    response.on('drain', flood);
    flood();
  },
  garbles: (response) => void response.writeHead(200).end(Buffer.from('<html>\xff\xfe{"actions":', 'latin1')),
  resets: (response) => void response.destroy(),
};

/** What the callback's documentation tells a receiver to do. @see seeds: the signature is keyed by the secret's text */
export function signatureHolds(body: string, signature: string, secret: string): boolean {
  const expected = Buffer.from(`sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
