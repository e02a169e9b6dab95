import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { wallMs } from '../../load/open-loop.js';
import { Arrivals, type Arrived, type Expected } from './arrivals.js';
import { callbackAgent, hangs } from './callback-address.js';

export interface ReceiversPlan {
  /** Each listens on a port of its own. */
  origins: number;
  /** What every agent answers, as JSON. */
  answer: string;
}

export interface ReceiversService {
  /** `http://host:port` of each. */
  origins(): string[];
  /** Begins a stretch; what arrived before is forgotten. @param hanging whether every fifth agent hangs */
  expect(expected: Expected, hanging: boolean): void;
  /** Resolves once a tick has reached so many of the agents that do not hang. @throws Error that says how many it has, once no more come */
  reached(tick: number, agents: number): Promise<void>;
  arrived(): Arrived;
  /** Answers what hangs, and hangs no more. */
  release(): void;
  /** User and system time since the start, µs. */
  cpuUs(): number;
}

interface Awaited {
  tick: number;
  agents: number;
  resolve: () => void;
}

/** Without a single arrival. */
const STALLED_MS = 20_000;
/** In the first bytes of a body. */
const TIMESTAMP = /"timestamp":"([^"]+)"/;

/** Agents' callback servers on node:http, with keep-alive. They keep times and nothing of what they are told. */
export async function startReceivers({ origins, answer }: ReceiversPlan): Promise<ReceiversService> {
  const body = Buffer.from(answer);
  const head = { 'content-type': 'application/json', 'content-length': String(body.length) };
  let arrivals = new Arrivals({ agents: 0, firstTick: 0, ticks: 0 });
  let hanging = false;
  let held: http.ServerResponse[] = [];
  let awaited: Awaited | undefined;

  const respond = (response: http.ServerResponse): void => {
    response.writeHead(200, head);
    response.end(body);
  };
  const take = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const agent = callbackAgent(request.url!);
    const tick = Number(request.headers['x-wallstreetsim-tick']);
    const place = arrivals.take(agent, tick, wallMs());
    let first = true;
    request.on('data', (chunk: Buffer) => {
      if (first && place >= 0) arrivals.sentAtMs[place] = composedAt(chunk);
      first = false;
    });
    request.on('end', () => {
      if (hanging && hangs(agent)) held.push(response);
      else respond(response);
    });
    if (awaited && tick === awaited.tick && arrivals.reached(tick) >= awaited.agents) {
      awaited.resolve();
      awaited = undefined;
    }
  };
  const servers = await Promise.all(
    Array.from({ length: origins }, async () => {
      const server = http.createServer({ keepAliveTimeout: 120_000 }, take);
      // A request may be stuck on purpose.
      server.requestTimeout = 0;
      server.listen(0, '127.0.0.1', 4_096);
      await once(server, 'listening');
      return server;
    }),
  );
  return {
    origins: () => servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    expect: (expected, hang) => {
      arrivals = new Arrivals(expected, (agent) => !hang || !hangs(agent));
      hanging = hang;
    },
    reached: (tick, agents) =>
      new Promise((resolve, reject) => {
        if (arrivals.reached(tick) >= agents) return resolve();
        let before = -1;
        const timer = setInterval(() => {
          const now = arrivals.reached(tick);
          if (now === before) {
            clearInterval(timer);
            reject(new Error(`tick ${tick} has reached ${now} of ${agents} agents, and no more of them`));
          }
          before = now;
        }, STALLED_MS);
        awaited = { tick, agents, resolve: () => (clearInterval(timer), resolve()) };
      }),
    arrived: () => arrivals.toData(),
    release: () => {
      hanging = false;
      for (const response of held) if (!response.destroyed) respond(response);
      held = [];
    },
    cpuUs: () => {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
  };
}

function composedAt(chunk: Buffer): number {
  const found = TIMESTAMP.exec(chunk.toString('latin1', 0, 96));
  return found ? Date.parse(found[1]!) : NaN;
}
