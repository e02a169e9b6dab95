import { wallMs } from '../../load/open-loop.js';
import { Arrivals, type Arrived, type Expected } from './arrivals.js';
import { bareAnswer, startBareServer, type BareHandler, type BareRequest } from './bare-server.js';
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
  /**
   * Resolves once a tick has reached so many of the agents that do not hang.
   * @param shard of these agents, where shards are told apart
   * @throws Error that says how many it has, once no more come
   */
  reached(tick: number, agents: number, shard?: number): Promise<void>;
  arrived(): Arrived;
  /** Answers what hangs, and hangs no more. */
  release(): void;
  /** User and system time since the start, µs. */
  cpuUs(): number;
}

interface Awaited {
  tick: number;
  agents: number;
  shard: number;
  resolve: () => void;
}

/** Without a single arrival. */
const STALLED_MS = 20_000;
/** In the first bytes of a body. */
const TIMESTAMP = /"timestamp":"([^"]+)"/;

/** Agents' callback servers, with keep-alive. They keep times and nothing of what they are told. */
export async function startReceivers({ origins, answer }: ReceiversPlan): Promise<ReceiversService> {
  let arrivals = new Arrivals({ agents: 0, firstTick: 0, ticks: 0 });
  let hanging = false;
  let held: (() => void)[] = [];
  const awaited = new Set<Awaited>();

  const take = ({ path, header }: BareRequest): BareHandler => {
    const agent = callbackAgent(path);
    const tick = Number(header('x-wallstreetsim-tick'));
    const place = arrivals.take(agent, tick, wallMs());
    for (const each of awaited) {
      if (tick !== each.tick || arrivals.reached(tick, each.shard) < each.agents) continue;
      awaited.delete(each);
      each.resolve();
    }
    return {
      began: (bytes) => {
        if (place >= 0) arrivals.sentAtMs[place] = composedAt(bytes);
      },
      ended: (respond) => {
        if (hanging && hangs(agent)) held.push(respond);
        else respond();
      },
    };
  };
  const servers = await Promise.all(Array.from({ length: origins }, () => startBareServer(bareAnswer(answer), take)));
  return {
    origins: () => servers.map(({ origin }) => origin),
    expect: (expected, hang) => {
      arrivals = new Arrivals(expected, (agent) => !hang || !hangs(agent));
      hanging = hang;
    },
    reached: (tick, agents, shard = 0) =>
      new Promise((resolve, reject) => {
        if (arrivals.reached(tick, shard) >= agents) return resolve();
        let before = -1;
        const waiting = { tick, agents, shard, resolve: () => (clearInterval(timer), resolve()) };
        const timer = setInterval(() => {
          const now = arrivals.reached(tick, shard);
          if (now === before) {
            clearInterval(timer);
            awaited.delete(waiting);
            reject(new Error(`tick ${tick} has reached ${now} of ${agents} agents, and no more of them`));
          }
          before = now;
        }, STALLED_MS);
        awaited.add(waiting);
      }),
    arrived: () => arrivals.toData(),
    release: () => {
      hanging = false;
      for (const respond of held) respond();
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
