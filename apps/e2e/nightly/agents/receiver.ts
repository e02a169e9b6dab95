// A process of its own, run by Node as it is: it imports nothing of the project but types.
import { createWriteStream, type WriteStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AgentOrder, AgentPortfolio, ActionResult } from '@tickwire/contracts';

/** How a callback is treated. The seed decides it by agent, tick and whether it is the first attempt. */
export type Manner =
  | 'answers'
  | 'answers nothing'
  | 'is slow'
  | 'errs'
  | 'throttles'
  | 'hangs'
  | 'resets'
  | 'garbles'
  | 'says 204'
  | 'floods';

/** What a parent says to a receiver. */
export type Order = 'calm';

/** What a receiver tells its parent each second, besides that it listens. */
export interface ReceiverReport {
  arrivals: number;
  newestTick: number;
}

export interface ReceiverPlan {
  port: number;
  seed: number;
  /** Where each arrival gets its line. */
  file: string;
  symbols: string[];
}

/** What an agent reads of a callback: the private parts, without the market between them. */
interface ReadBody {
  tick: number;
  timestamp: string;
  portfolio: AgentPortfolio;
  orders: AgentOrder[];
  actionResults: ActionResult[];
}

/** Of a thousand callbacks; the others are answered. */
const PER_MILLE: [Manner, number][] = [
  ['answers nothing', 60],
  ['is slow', 10],
  ['errs', 12],
  ['throttles', 8],
  ['hangs', 4],
  ['resets', 10],
  ['garbles', 8],
  ['says 204', 8],
  ['floods', 4],
];
/** A 2xx that leaves at once: the agent has what the callback brought. */
const TAKEN_AT_ONCE: ReadonlySet<Manner> = new Set(['answers', 'answers nothing', 'garbles', 'says 204']);
/** A callback's URL with this path is never answered. */
const DEAF = '/deaf';
const SLOW_MS = { from: 500, to: 3_000 };
/** More than a dispatcher takes. */
const FLOOD = Buffer.alloc(80 * 1024, ' ');
const REPORT_EVERY_MS = 1_000;

/** Prefix of an action that the world does not know and quotes in its result: it traces an answer to its tick. */
const TRACE = 'TRACE_';

/** A number in [0, 1), always the same for the same seed, agent, tick and purpose. */
function drawn(seed: number, agent: string, tick: number, purpose: number): number {
  let mixed = seed ^ Math.imul(tick, 0x9e3779b1) ^ Math.imul(purpose, 0x85ebca6b);
  for (let at = 0; at < agent.length; at += 1) mixed = Math.imul(mixed ^ agent.charCodeAt(at), 0x01000193);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

function mannerOf(seed: number, agent: string, tick: number, attempt: number): Manner {
  // Half of the trouble passes with the first attempt.
  if (attempt > 1 && drawn(seed, agent, tick, 2) < 0.5) return 'answers';
  let left = drawn(seed, agent, tick, 1) * 1_000;
  for (const [manner, share] of PER_MILLE) {
    left -= share;
    if (left < 0) return manner;
  }
  return 'answers';
}

/** The body's fields come in the contract's order, and quotes inside of texts are escaped: no need to parse 20 kB of market. */
function readBody(body: string): ReadBody {
  const privatePart = body.slice(0, body.indexOf(',"market":{"indices":'));
  const results = body.slice(body.lastIndexOf('"actionResults":'));
  return JSON.parse(`${privatePart},${results}`) as ReadBody;
}

/** The price of a symbol in the body's watchlist. */
function priceOf(body: string, symbol: string): number | undefined {
  const at = body.indexOf(`{"symbol":"${symbol}","name":`);
  const price = /"price":([\d.]+)/.exec(body.slice(at, at + 400));
  return at < 0 || !price ? undefined : Number(price[1]);
}

class Receiver {
  private calm = false;
  private arrivals = 0;
  private newestTick = 0;
  private readonly plan: ReceiverPlan;
  private readonly lines: WriteStream;

  // No parameter property: Node strips types and writes no code for them.
  constructor(plan: ReceiverPlan) {
    this.plan = plan;
    this.lines = createWriteStream(plan.file);
  }

  listen(): void {
    const server = createServer((request, response) => {
      this.receive(request, response).catch(() => response.destroy());
    });
    // Idle connections are the dispatcher's to close: if both did, a request could meet the end of its connection.
    server.keepAliveTimeout = 120_000;
    server.listen(this.plan.port, '127.0.0.1', () => this.report());
    const timer = setInterval(() => this.report(), REPORT_EVERY_MS);
    process.on('message', (order: Order) => (this.calm = order === 'calm'));
    const end = (): void => {
      clearInterval(timer);
      server.close();
      server.closeAllConnections();
      this.lines.end(() => process.exit(0));
    };
    process.once('SIGTERM', end);
    process.once('disconnect', end);
  }

  private report(): void {
    const report: ReceiverReport = { arrivals: this.arrivals, newestTick: this.newestTick };
    process.send?.(report);
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const atMs = Date.now();
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString('utf8');
    const { seed } = this.plan;
    const agentId = String(request.headers['x-wallstreetsim-agent']);
    const attempt = Number(request.headers['x-wallstreetsim-attempt']);
    const delivery = String(request.headers['x-wallstreetsim-delivery']);
    const read = readBody(body);
    const results = read.actionResults
      .filter(({ action }) => action.startsWith(TRACE))
      .map(({ action, id }) => `${action.slice(TRACE.length)}=${id}`);
    const composedAtMs = Date.parse(read.timestamp);
    const decided = this.calm ? 'answers nothing' : mannerOf(seed, agentId, read.tick, attempt);
    const manner = request.url === DEAF ? 'hangs' : decided;
    const taken = TAKEN_AT_ONCE.has(manner) ? 1 : 0;
    this.lines.write(
      `${atMs} ${composedAtMs} ${agentId} ${read.tick} ${attempt} ${delivery} ${taken} ${results.join(',')}\n`,
    );
    this.arrivals += 1;
    this.newestTick = Math.max(this.newestTick, read.tick);
    const answer = (): string => JSON.stringify({ actions: this.actionsOf(agentId, read, body) });
    treat(response, manner, answer, drawn(seed, agentId, read.tick, 3));
  }

  /** Something that the agent's own means allow, and the trace. */
  private actionsOf(agentId: string, { tick, portfolio, orders }: ReadBody, body: string): object[] {
    const { seed, symbols } = this.plan;
    const actions: object[] = [];
    const open = orders.find(({ status }) => status === 'open' || status === 'pending' || status === 'partial');
    const owned = portfolio.positions.find(({ shares }) => shares > 0);
    const choice = drawn(seed, agentId, tick, 4);
    const symbol = symbols[Math.floor(drawn(seed, agentId, tick, 5) * symbols.length)]!;
    const price = priceOf(body, symbol) ?? Infinity;
    if (open && choice < 0.4) actions.push({ type: 'CANCEL_ORDER', payload: { orderId: open.id } });
    else if (owned && choice < 0.7) actions.push({ type: 'SELL', payload: { symbol: owned.symbol, quantity: 1 } });
    else if (portfolio.cash > 2 * price && !open) actions.push(buy(symbol, choice < 0.9 ? undefined : price));
    return [...actions, { type: `${TRACE}${tick}`, payload: {} }];
  }
}

/** @param below a limit order somewhat below this price; else a market order */
function buy(symbol: string, below: number | undefined): object {
  if (below === undefined) return { type: 'BUY', payload: { symbol, quantity: 1 } };
  const price = Math.max(0.01, Number((below * 0.97).toFixed(2)));
  return { type: 'BUY', payload: { symbol, quantity: 1, orderType: 'LIMIT', price } };
}

/** @param share in [0, 1), of whatever the manner leaves open */
function treat(response: ServerResponse, manner: Manner, answer: () => string, share: number): void {
  const json = { 'content-type': 'application/json' };
  switch (manner) {
    case 'answers':
      response.writeHead(200, json).end(answer());
      return;
    case 'answers nothing':
      response.writeHead(200, json).end('{"actions":[]}');
      return;
    case 'is slow':
      setTimeout(
        () => response.writeHead(200, json).end(answer()),
        SLOW_MS.from + share * (SLOW_MS.to - SLOW_MS.from),
      ).unref();
      return;
    case 'errs':
      response.writeHead(500).end('trouble');
      return;
    case 'throttles':
      response.writeHead(429, { 'retry-after': '1' }).end();
      return;
    case 'hangs':
      return;
    case 'resets':
      response.destroy();
      return;
    case 'garbles':
      response.writeHead(200).end(Buffer.from('<html>\xff\xfe{"actions":', 'latin1'));
      return;
    case 'says 204':
      response.writeHead(204).end();
      return;
    case 'floods':
      response.writeHead(200, json).end(FLOOD);
  }
}

new Receiver(JSON.parse(process.argv[2]!) as ReceiverPlan).listen();
