import { composeTickBody, derivedId, type AgentTick, type CarriedItem, type PreparedTick } from '@tickwire/contracts';
import type { AgentEntry } from '@tickwire/directory';
import { signTick } from '@tickwire/signing';
import { itemsOf, keyOf, type CarriedItems } from '../carried/carried-items.js';
import type { SigningSecrets } from './tick-secrets.js';

/** One agent's part of a tick, on its way. */
export interface LaneTick {
  worldId: string;
  shard: number;
  tick: number;
  /** Shared by every agent of the tick. */
  prepared: PreparedTick;
  own: AgentTick;
  /** As configured when the tick came. */
  agent: AgentEntry;
  /** The `market.tick` event that brought it. */
  causeId: string;
  closedAtMs: number;
}

/** A composed and signed callback: the same bytes and ids on every attempt. */
export interface TickCallback {
  url: string;
  body: Buffer;
  headers: Readonly<Record<string, string>>;
  /** Keys of the items in the body: a 2xx takes them off the carried ones. */
  brought: ReadonlySet<string>;
  /** The tick's own items that did not fit into the body. */
  left: readonly CarriedItem[];
}

/** The id of an agent's tick, whatever becomes of it: UUIDv5 of world, agent and tick. */
export function deliveryId(worldId: string, agentId: string, tick: number): string {
  return derivedId(tickPlace(worldId, agentId, tick), 'delivery');
}

/** The id of the agent's answer through its callback. */
export function answerId(worldId: string, agentId: string, tick: number): string {
  return derivedId(tickPlace(worldId, agentId, tick), 'actions', 'callback');
}

function tickPlace(worldId: string, agentId: string, tick: number): string {
  return `${worldId}/${agentId}/${tick}`;
}

/**
 * @param carried items of earlier ticks; one that the tick brings itself is left out
 * @param nowMs when it is composed: the body's `timestamp`
 */
export function composeCallback(
  tick: LaneTick,
  carried: CarriedItems,
  secrets: SigningSecrets,
  nowMs: number,
): TickCallback {
  const brought = new Set(itemsOf(tick.own).map(keyOf));
  const earlier = carried.without(brought);
  const { body: text, cut } = composeTickBody(tick.prepared, tick.own, earlier, new Date(nowMs).toISOString());
  const body = Buffer.from(text, 'utf8');

  // Lists are filled from their beginning, so what was cut is at their ends.
  const left = itemsOf({
    ...tick.own,
    actionResults: lastOf(tick.own.actionResults, cut.actionResults),
    messages: lastOf(tick.own.messages, cut.messages),
    alerts: lastOf(tick.own.alerts, cut.alerts),
    investigations: lastOf(tick.own.investigations, cut.investigations),
  });
  for (const item of left) brought.delete(keyOf(item));
  for (const item of earlier.slice(0, earlier.length - cut.carried)) brought.add(keyOf(item));

  const agentId = tick.agent.id;
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'X-WallStreetSim-Tick': String(tick.tick),
    'X-WallStreetSim-Agent': agentId,
    'X-WallStreetSim-Delivery': deliveryId(tick.worldId, agentId, tick.tick),
  };
  if (secrets.current !== undefined) headers['X-WallStreetSim-Signature'] = signTick(body, secrets.current);
  if (secrets.previous !== undefined) headers['X-WallStreetSim-Signature-Previous'] = signTick(body, secrets.previous);
  return { url: tick.agent.callbackUrl ?? '', body, headers, brought, left };
}

function lastOf<T>(items: readonly T[] | undefined, count: number): T[] {
  return count > 0 && items ? items.slice(-count) : [];
}
