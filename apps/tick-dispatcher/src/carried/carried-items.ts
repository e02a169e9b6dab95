import type { AgentTick, CarriedItem } from '@tickwire/contracts';
import { storableJson } from '@tickwire/persistence';

/** Of one agent; beyond them the oldest go. */
export const MOST_CARRIED_ITEMS = 200;
/** UTF-8 length of the items' JSON. */
export const MOST_CARRIED_BYTES = 64_000;

interface Entry {
  carried: CarriedItem;
  key: string;
  bytes: number;
  /** The tick that brought it. Items of an earlier life have the lowest. */
  tick: number;
}

/**
 * What no 2xx has taken yet from one agent's ticks: action results, messages, alerts, investigations, oldest first, no
 * item twice, bounded.
 */
export class CarriedItems {
  private entries: Entry[] = [];
  private bytes = 0;
  private keys = new Set<string>();
  /** Grows with every change, so that unchanged items need not be written again. */
  revision = 0;

  /** @param stored what `toJson` wrote; anything else is taken for nothing */
  static restore(stored: unknown): CarriedItems {
    const items = new CarriedItems();
    if (Array.isArray(stored)) items.add(-1, stored.filter(isCarriedItem));
    items.revision = 0;
    return items;
  }

  get size(): number {
    return this.entries.length;
  }

  /** Oldest first, without those that `keys` names: a tick that comes again brings its own items itself. */
  without(keys: ReadonlySet<string>): CarriedItem[] {
    return this.entries.filter((entry) => !keys.has(entry.key)).map(({ carried }) => carried);
  }

  /**
   * Takes the items of a tick in, behind those of earlier ticks.
   * @returns how many old items had to go
   */
  add(tick: number, items: readonly CarriedItem[]): number {
    if (items.length === 0) return 0;
    const added: Entry[] = [];
    for (const carried of items) {
      const key = keyOf(carried);
      if (this.keys.has(key)) continue;
      this.keys.add(key);
      const bytes = Buffer.byteLength(JSON.stringify(carried));
      this.bytes += bytes;
      added.push({ carried, key, bytes, tick });
    }
    if (added.length === 0) return 0;
    // A tick that was superseded may be in before the one that was in flight at the time.
    const at = this.entries.findLastIndex((entry) => entry.tick <= tick) + 1;
    this.entries.splice(at, 0, ...added);
    this.revision += 1;
    return this.trim();
  }

  /** The agent has these now. */
  remove(keys: ReadonlySet<string>): void {
    if (this.entries.length === 0 || keys.size === 0) return;
    const kept = this.entries.filter((entry) => !keys.has(entry.key));
    if (kept.length === this.entries.length) return;
    this.entries = kept;
    this.bytes = kept.reduce((sum, entry) => sum + entry.bytes, 0);
    this.keys = new Set(kept.map(({ key }) => key));
    this.revision += 1;
  }

  /** A JSON array that a `jsonb` column takes. */
  toJson(): string {
    return storableJson(JSON.stringify(this.entries.map(({ carried }) => carried)));
  }

  private trim(): number {
    let gone = 0;
    while (this.entries.length - gone > MOST_CARRIED_ITEMS || this.bytes > MOST_CARRIED_BYTES) {
      const { key, bytes } = this.entries[gone]!;
      this.keys.delete(key);
      this.bytes -= bytes;
      gone += 1;
    }
    if (gone > 0) this.entries.splice(0, gone);
    return gone;
  }
}

/** What of a tick has to reach the agent, whichever callback brings it. */
export function itemsOf({ actionResults, messages, alerts, investigations }: AgentTick): CarriedItem[] {
  return [
    ...(actionResults ?? []).map((item): CarriedItem => ({ list: 'actionResults', item })),
    ...(messages ?? []).map((item): CarriedItem => ({ list: 'messages', item })),
    ...(alerts ?? []).map((item): CarriedItem => ({ list: 'alerts', item })),
    ...(investigations ?? []).map((item): CarriedItem => ({ list: 'investigations', item })),
  ];
}

/** An item's identity. An investigation has an id of its own, but each of its turns is news. */
export function keyOf({ list, item }: CarriedItem): string {
  return list === 'investigations'
    ? `${list}:${item.investigationId}:${item.status}:${item.tick}`
    : `${list}:${item.id}`;
}

function isCarriedItem(stored: unknown): stored is CarriedItem {
  if (typeof stored !== 'object' || stored === null) return false;
  const { list, item } = stored as Record<string, unknown>;
  const known = list === 'actionResults' || list === 'messages' || list === 'alerts' || list === 'investigations';
  return known && typeof item === 'object' && item !== null;
}
