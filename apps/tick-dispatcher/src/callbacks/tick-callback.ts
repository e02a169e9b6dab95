import {
  composeTick,
  derivedId,
  isoTime,
  tickParts,
  type AgentTick,
  type CarriedItem,
  type CutCounts,
  type PreparedTick,
} from '@tickwire/contracts';
import type { AgentEntry } from '@tickwire/directory';
import { signTick } from '@tickwire/signing';
import { itemsOf, keyOf, type CarriedItems } from '../carried/carried-items.js';
import type { SigningSecrets } from './tick-secrets.js';

// Most ticks bring an agent nothing but its portfolio and its orders.
const NO_KEYS: ReadonlySet<string> = new Set();
const NO_ITEMS: readonly CarriedItem[] = [];

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
  /** Drawn when it is first asked for, see `deliveryIdOf`. */
  deliveryId?: string;
}

/** A composed and signed callback: the same bytes and ids on every attempt. */
export interface TickCallback {
  url: string;
  /** In parts, of which the shared ones are those of all agents. */
  body: readonly (string | Buffer)[];
  /** The lane writes the number of each attempt into them. */
  headers: Record<string, string>;
  /** Keys of the items in the body: a 2xx takes them off the carried ones. */
  brought: ReadonlySet<string>;
  /** The tick's own items that did not fit into the body. */
  left: readonly CarriedItem[];
}

/** The id of an agent's tick, whatever becomes of it: UUIDv5 of world, agent and tick. */
export function deliveryIdOf(tick: LaneTick): string {
  return (tick.deliveryId ??= derivedId(placeOf(tick), 'delivery'));
}

/** The id of the agent's answer through its callback. */
export function answerIdOf(tick: LaneTick): string {
  return derivedId(placeOf(tick), 'actions', 'callback');
}

function placeOf({ worldId, agent, tick }: LaneTick): string {
  return `${worldId}/${agent.id}/${tick}`;
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
  const own = hasItems(tick.own) ? new Set(itemsOf(tick.own).map(keyOf)) : NO_KEYS;
  const earlier = carried.size === 0 ? NO_ITEMS : carried.without(own);
  const composed = composeTick(tick.prepared, tick.own, earlier, isoTime(nowMs));
  const { cut } = composed;
  const left = hasCutItems(cut) ? itemsCutOff(tick.own, cut) : NO_ITEMS;
  const taken = earlier.length - cut.carried;
  let brought = own;
  if (left.length > 0 || taken > 0) {
    const keys = new Set(own);
    for (const item of left) keys.delete(keyOf(item));
    for (const item of earlier.slice(0, taken)) keys.add(keyOf(item));
    brought = keys;
  }

  const headers = headersOf(tick, deliveryIdOf(tick));
  const body = tickParts(composed);
  sign(headers, body, secrets, tick.agent);
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
  const body = tickParts(composeTick(tick.prepared, tick.own, NO_ITEMS, isoTime(nowMs)));
  const headers = headersOf(tick, derivedId(controlId, 'test'));
  headers['X-WallStreetSim-Attempt'] = '1';
  headers['X-WallStreetSim-Test'] = 'true';
  sign(headers, body, secrets, tick.agent);
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

/** All signatures are over the same bytes; the names of other systems are signed with the secret that is current. */
function sign(
  headers: Record<string, string>,
  body: TickCallback['body'],
  { current, previous }: SigningSecrets,
  { settings }: AgentEntry,
): void {
  if (current !== undefined) {
    const signature = signTick(body, current);
    headers['X-WallStreetSim-Signature'] = signature;
    if (settings.compatibilityHeaders === true) {
      headers['X-Webhook-Signature'] = signature;
      headers['X-WSS-Signature'] = signature.slice(signature.indexOf('=') + 1);
    }
  }
  if (previous !== undefined) headers['X-WallStreetSim-Signature-Previous'] = signTick(body, previous);
}

function hasItems({ actionResults, messages, alerts, investigations }: AgentTick): boolean {
  return Boolean(actionResults?.length || messages?.length || alerts?.length || investigations?.length);
}

function hasCutItems({ actionResults, messages, alerts, investigations }: CutCounts): boolean {
  return actionResults + messages + alerts + investigations > 0;
}

/** Lists are filled from their beginning, so what was cut is at their ends. */
function itemsCutOff(own: AgentTick, cut: CutCounts): CarriedItem[] {
  return itemsOf({
    ...own,
    actionResults: lastOf(own.actionResults, cut.actionResults),
    messages: lastOf(own.messages, cut.messages),
    alerts: lastOf(own.alerts, cut.alerts),
    investigations: lastOf(own.investigations, cut.investigations),
  });
}

function lastOf<T>(items: readonly T[] | undefined, count: number): T[] {
  return count > 0 && items ? items.slice(-count) : [];
}
