import { createServer, type Server } from 'node:http';
import type { EventEnvelope, TickWebhook } from '@tickwire/contracts';

/** The demo tenant's receiver and its agents: takes every callback, and remembers the tenant's. */
export class CallbackReceiver {
  /** Bodies by the sender's message id: more than one body is a broken promise. */
  private readonly bodies = new Map<string, Set<string>>();
  private readonly finals = new Set<string>();

  private constructor(private readonly server: Server) {
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => response.destroy());
      request.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        if (request.url !== '/callbacks') return void response.writeHead(200).end(JSON.stringify(trade(body)));
        this.remember(String(request.headers['webhook-id']), body);
        response.writeHead(204).end();
      });
    });
  }

  static async listen(port: number): Promise<CallbackReceiver> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', resolve);
    });
    return new CallbackReceiver(server);
  }

  /** Signals, by webhookId, whose final event has come. */
  get heardFinals(): ReadonlySet<string> {
    return this.finals;
  }

  /** Message ids that came with more than one body. */
  get changed(): string[] {
    return [...this.bodies].filter(([, bodies]) => bodies.size > 1).map(([id]) => id);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private remember(id: string, body: string): void {
    const bodies = this.bodies.get(id) ?? new Set<string>();
    this.bodies.set(id, bodies.add(body));
    const { data } = JSON.parse(body) as EventEnvelope<{ webhookId?: string; final?: boolean }>;
    if (data.final === true && data.webhookId !== undefined) this.finals.add(data.webhookId);
  }
}

/** Every agent trades on every tick, so that answers are always under way. */
function trade(body: string): object {
  const { market, tick } = JSON.parse(body) as TickWebhook;
  const { symbol } = market.watchlist[tick % market.watchlist.length]!;
  return { actions: [{ type: tick % 2 === 0 ? 'BUY' : 'SELL', payload: { symbol, quantity: 1 } }] };
}
