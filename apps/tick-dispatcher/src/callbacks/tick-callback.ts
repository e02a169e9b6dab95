import { composeTickBody, derivedId, type AgentTick, type CarriedItem, type PreparedTick } from '@tickwire/contracts';
import type { AgentEntry, AgentSettings } from '@tickwire/directory';
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

  const headers = {
    ...headersOf(tick, deliveryId(tick.worldId, tick.agent.id, tick.tick)),
    ...signaturesOf(body, secrets, tick.agent.settings),
  };
  return { url: tick.agent.callbackUrl ?? '', body, headers, brought, left };
}

/**
 * The tick again, for a receiver to be tried with: the same form under another id, and marked. Nothing is carried into it,
 * and its answer means nothing.
 * @param nowMs as in `composeCallback`
 */
export function composeTest(
  tick: LaneTick,
  controlId: string,
  secrets: SigningSecrets,
  nowMs: number,
): Pick<TickCallback, 'url' | 'body' | 'headers'> {
  const body = Buffer.from(composeTickBody(tick.prepared, tick.own, [], new Date(nowMs).toISOString()).body, 'utf8');
  const headers = {
    ...headersOf(tick, derivedId(controlId, 'test')),
    'X-WallStreetSim-Attempt': '1',
    'X-WallStreetSim-Test': 'true',
    ...signaturesOf(body, secrets, tick.agent.settings),
  };
  return { url: tick.agent.callbackUrl ?? '', body, headers };
}

function headersOf({ tick, agent }: LaneTick, delivery: string): Record<string, string> {
  return {
    'Content-Type': 'application/json',
    'X-WallStreetSim-Tick': String(tick),
    'X-WallStreetSim-Agent': agent.id,
    'X-WallStreetSim-Delivery': delivery,
  };
}

/** All of them are over the same bytes; the names of other systems are signed with the secret that is current. */
function signaturesOf(
  body: Buffer,
  { current, previous }: SigningSecrets,
  { compatibilityHeaders }: AgentSettings,
): Record<string, string> {
  const headers: Record<string, string> = {};
  if (current !== undefined) {
    const signature = signTick(body, current);
    headers['X-WallStreetSim-Signature'] = signature;
    if (compatibilityHeaders === true) {
      headers['X-Webhook-Signature'] = signature;
      headers['X-WSS-Signature'] = signature.slice(signature.indexOf('=') + 1);
    }
  }
  if (previous !== undefined) headers['X-WallStreetSim-Signature-Previous'] = signTick(body, previous);
  return headers;
}

function lastOf<T>(items: readonly T[] | undefined, count: number): T[] {
  return count > 0 && items ? items.slice(-count) : [];
}
