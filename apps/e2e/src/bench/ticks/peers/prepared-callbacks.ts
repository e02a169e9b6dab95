import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import {
  composeTickBody,
  derivedId,
  prepareTick,
  type AgentTick,
  type EncodedEvent,
  type EventEnvelope,
  type MarketTick,
  type PreparedTick,
} from '@tickwire/contracts';
import { callbackPath } from '../receivers/callback-address.js';

/** A callback as the dispatcher would send it, all but its signature. Plain data: it crosses a process boundary. */
export interface PreparedCallback {
  /** Which of the origins it goes to. */
  origin: number;
  path: string;
  body: Uint8Array;
  headers: Record<string, string>;
  secret: string;
}

/** What a peer is to send, over and over. */
export interface PeerPlan {
  origins: string[];
  callbacks: PreparedCallback[];
  connectionsPerOrigin: number;
  /** Requests in flight over all origins. */
  concurrency: number;
}

/** What a peer did when asked to send. */
export interface PeerStretch {
  sent: number;
  seconds: number;
  /** User and system time of the process meanwhile, µs. */
  cpuUs: number;
}

export interface PeerService {
  /** As fast as answers come. @throws Error for an answer other than 200 */
  send(count: number): Promise<PeerStretch>;
}

/** Enough for bodies to differ; the memory for one of each of 10 000 agents is not. */
const MOST_CALLBACKS = 1_000;

/** The callbacks that these records of one tick ask for. @param agents ids, by index; @param secrets likewise */
export function prepareCallbacks(
  records: readonly EncodedEvent[],
  agents: readonly string[],
  secrets: readonly string[],
  origins: number,
): PreparedCallback[] {
  const indexOf = new Map(agents.map((id, index) => [id, index]));
  const callbacks: PreparedCallback[] = [];
  let prepared: PreparedTick | undefined;
  for (const { value } of records) {
    const { data } = JSON.parse(value) as EventEnvelope<MarketTick>;
    prepared ??= prepareTick(data);
    for (const own of data.agents) {
      if (callbacks.length === MOST_CALLBACKS) return callbacks;
      const index = indexOf.get(own.agentId)!;
      callbacks.push({
        ...callbackOf(prepared, own, data),
        origin: index % origins,
        path: callbackPath(index),
        secret: secrets[index]!,
      });
    }
  }
  return callbacks;
}

function callbackOf(
  prepared: PreparedTick,
  own: AgentTick,
  { worldId, tick, closedAt }: MarketTick,
): Pick<PreparedCallback, 'body' | 'headers'> {
  return {
    body: Buffer.from(composeTickBody(prepared, own, [], closedAt).body),
    headers: {
      'Content-Type': 'application/json',
      'X-WallStreetSim-Tick': String(tick),
      'X-WallStreetSim-Agent': own.agentId,
      'X-WallStreetSim-Delivery': derivedId(`${worldId}/${own.agentId}/${tick}`, 'delivery'),
      'X-WallStreetSim-Attempt': '1',
    },
  };
}

/** In memory of their own: what came over IPC is a view of the whole message, all of which some clients copy. */
export function ownBytes(body: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(body.length);
  own.set(body);
  return own;
}

/** Signs as tick callbacks are signed, with a key that was prepared once. */
export function signer(secret: string): (body: Uint8Array) => string {
  const key: KeyObject = createSecretKey(Buffer.from(secret, 'utf8'));
  return (body) => `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;
}

/**
 * Sends callbacks in turn, so many at a time, and measures the process meanwhile.
 * @param send resolves when the answer is there and its body drained
 */
export async function sendInTurn(
  count: number,
  concurrency: number,
  callbacks: number,
  send: (callback: number) => Promise<void>,
): Promise<PeerStretch> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) {
      const callback = next % callbacks;
      next += 1;
      await send(callback);
    }
  };
  const startedAt = performance.now();
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane));
  const { user, system } = process.cpuUsage(before);
  return { sent: count, seconds: (performance.now() - startedAt) / 1_000, cpuUs: user + system };
}
