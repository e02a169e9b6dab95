import type { AgentActions, WorldControl as WorldControlEvent } from '@tickwire/contracts';
import type { Position } from '@tickwire/event-log';
import type { AgentAnswer, Role, WorldControl } from '@tickwire/market';

/** A record waiting for its world's next tick. */
export type InboxRecord = { topic: string; offset: number } & (
  { kind: 'control'; event: WorldControlEvent } | { kind: 'actions'; event: AgentActions }
);

/** What one tick drains: the engine's input, and how far the world's records are used up. */
export interface Drained {
  controls: WorldControl[];
  actions: AgentAnswer[];
  /** Commands for the clock, in order. */
  commands: WorldControlEvent[];
  upTo: Record<string, number>;
  /** Some of it is stored as waiting. */
  fromStore: boolean;
}

/** Records of one world that no tick has taken yet, in the order of their topics' offsets. */
export class WorldInbox {
  private records: InboxRecord[] = [];
  private drained: InboxRecord[] = [];
  /** Next offset that is new, by topic. */
  private readonly next: Record<string, number>;
  /** Waiting records below these offsets are in the database, by topic. */
  private readonly storedBelow: Record<string, number> = {};

  /** @param upTo offsets that ticks have used up, by topic; records below are copies and are dropped */
  constructor(private upTo: Record<string, number>) {
    this.next = { ...upTo };
  }

  /** A record that comes again, because its batch did, is dropped. */
  add(record: InboxRecord): void {
    if (record.offset < (this.next[record.topic] ?? 0)) return;
    this.next[record.topic] = record.offset + 1;
    this.records.push(record);
  }

  /** Takes in what was stored as waiting, see `stored`. Before any record is added that was read from the log. */
  restore(records: readonly InboxRecord[]): void {
    for (const record of records) this.add(record);
    this.stored(records);
  }

  /** What waits and would be lost with this process if the position moved past it. */
  notStored(): InboxRecord[] {
    return this.records.filter((record) => !this.isStored(record));
  }

  /** These are in the database now: they hold the position back no more. */
  stored(records: readonly InboxRecord[]): void {
    for (const { topic, offset } of records)
      this.storedBelow[topic] = Math.max(this.storedBelow[topic] ?? 0, offset + 1);
  }

  /** The lowest offset that waits here alone: the partition's position may not move past it. */
  lowest(topic: string): number | undefined {
    return this.records.find((record) => record.topic === topic && !this.isStored(record))?.offset;
  }

  /** What waits, and what the last drain took: for an inbox that replaces this one and knows what is used up. */
  waiting(): InboxRecord[] {
    return [...this.drained, ...this.records];
  }

  /** Whether a command waits that moves a clock that stands. */
  wakesClock(): boolean {
    return this.records.some(
      (record) =>
        record.kind === 'control' && (['resumed', 'stepped', 'speed'] as string[]).includes(record.event.command),
    );
  }

  /** Takes everything: control records first, then answers, each by offset. */
  drain(): Drained {
    const drained: Drained = { controls: [], actions: [], commands: [], upTo: { ...this.upTo }, fromStore: false };
    for (const record of this.records) {
      drained.fromStore ||= this.isStored(record);
      drained.upTo[record.topic] = Math.max(drained.upTo[record.topic] ?? 0, record.offset + 1);
      if (record.kind === 'control') {
        drained.commands.push(record.event);
        const control = engineControl(record.event);
        if (control) drained.controls.push(control);
      } else {
        const { agentId, tick, channel, actions, clientId } = record.event;
        drained.actions.push({ agentId, tick, channel, actions, clientId });
      }
    }
    this.drained = this.records;
    this.records = [];
    this.upTo = drained.upTo;
    return drained;
  }

  /** The tick that drained last has failed for good: what it took waits again. */
  takeBack(): void {
    this.records = this.waiting();
    this.drained = [];
  }

  private isStored({ topic, offset }: InboxRecord): boolean {
    return offset < (this.storedBelow[topic] ?? 0);
  }
}

function engineControl(event: WorldControlEvent): WorldControl | undefined {
  switch (event.command) {
    case 'agent-registered':
      if (event.agentId === undefined) return undefined;
      return {
        type: 'agent-registered',
        agentId: event.agentId,
        role: (event.role ?? 'retail_trader') as Role,
        name: event.name ?? event.agentId,
      };
    case 'paused':
      return { type: 'paused' };
    case 'resumed':
      return { type: 'resumed' };
    case 'stepped':
      return { type: 'stepped', ticks: event.ticks ?? 1 };
    case 'speed':
      return event.tickMs === undefined ? undefined : { type: 'speed', tickMs: event.tickMs };
    case 'created':
    case 'agent-retired':
      return undefined;
  }
}

/** The position a partition may be stored at: what was read, less what still waits in any of its worlds. */
export function safePositions(read: readonly Position[], inboxes: readonly WorldInbox[]): Position[] {
  return read.map(({ topic, partition, offset }) => ({
    topic,
    partition,
    offset: Math.min(offset, ...inboxes.map((inbox) => inbox.lowest(topic) ?? Infinity)),
  }));
}
