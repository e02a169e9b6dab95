import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { EventEnvelope, TickWebhook } from '@tickwire/contracts';
import { verifyTick } from '@tickwire/signing';
import type { DevFile } from '../local/dev-file.js';

export interface DemoActivity {
  /** A lifecycle callback came in. */
  callback(event: EventEnvelope<Record<string, unknown>>): void;
  /** A tick was answered. */
  tick(agent: string, tick: TickWebhook, orders: number): void;
}

/** One server for the demo's callback URL and its two sample agents. Agents refuse ticks whose signature does not hold. */
export async function startDemoReceivers(
  port: number,
  dev: () => DevFile | undefined,
  activity: DemoActivity,
): Promise<Server> {
  const server = createServer((request, response) => {
    void (async () => {
      const body = await readBody(request);
      const name = /^\/agents\/(\w+)$/.exec(request.url ?? '')?.[1];
      if (name) {
        const agent = dev()?.agents.find((each) => each.callbackUrl.endsWith(`/${name}`));
        const signature = String(request.headers['x-wallstreetsim-signature'] ?? '');
        if (agent && !verifyTick(body, signature, agent.webhookSecret)) {
          response.writeHead(401).end();
          return;
        }
        const tick = JSON.parse(body.toString()) as TickWebhook;
        const actions = decide(name, tick);
        activity.tick(name, tick, actions.length);
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ actions }));
        return;
      }
      if (request.url === '/callbacks')
        activity.callback(JSON.parse(body.toString()) as EventEnvelope<Record<string, unknown>>);
      response.writeHead(request.url === '/callbacks' ? 204 : 404).end();
    })().catch(() => response.writeHead(400).end());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return server;
}

/** A sample strategy: every fifth tick, momentum follows the strongest move and contrarian fades it; both sell what they hold after a while. */
function decide(name: string, { tick, market, portfolio, world }: TickWebhook): object[] {
  if (!world.marketOpen || tick % 5 !== (name === 'momentum' ? 0 : 2)) return [];
  const held = portfolio.positions.find((position) => position.shares > 0);
  if (held && portfolio.positions.length >= 5) {
    return [{ type: 'SELL', payload: { symbol: held.symbol, quantity: held.shares } }];
  }
  const moves = [...market.watchlist].sort((a, b) => b.changePercent - a.changePercent);
  const pick = name === 'momentum' ? moves[0] : moves.at(-1);
  if (!pick) return [];
  return [
    {
      type: 'BUY',
      payload: { symbol: pick.symbol, quantity: 10, orderType: 'LIMIT', price: Number((pick.price * 1.01).toFixed(2)) },
    },
  ];
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
