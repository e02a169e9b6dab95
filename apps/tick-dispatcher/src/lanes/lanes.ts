import { marketTick } from '@tickwire/contracts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@tickwire/event-log';
import type { Pool } from 'pg';
import { loadDispatchStates, type DispatchState } from '../settlement/dispatch-states.js';
import { AgentLane } from './agent-lane.js';
import type { LaneServices } from './lane-services.js';

/** The lanes of a partition, from its assignment to its end. */
export interface Tenure {
  readonly lanes: Map<string, AgentLane>;
  /** Whether this process may still act for the partition. */
  alive(): boolean;
  /**
   * Ticks below this offset were on the log when the tenure began: whoever had the partition before may have sent any of
   * them without having it stored. Undefined until it is known, 0 once they are all taken.
   */
  backlogEnd: number | undefined;
}

/** For partitions to be handed over: what has ended is stored first, within this time. */
const HAND_OVER_MS = 2_000;

/** The lanes of all agents whose partitions this process owns. */
export class Lanes {
  private readonly tenures = new Map<number, Tenure>();
  draining = false;

  constructor(
    private readonly pool: Pool,
    private readonly services: LaneServices,
    private readonly log: Pick<EventLog, 'bounds'>,
  ) {}

  assign(partitions: readonly number[], alive: () => boolean): void {
    for (const partition of partitions) this.tenures.set(partition, { lanes: new Map(), alive, backlogEnd: undefined });
  }

  /** Ends what is in flight, stores what was answered by then; afterwards nothing of these partitions is sent or stored. */
  async revoke(partitions: readonly number[]): Promise<void> {
    const ended = partitions.flatMap((partition) => this.tenures.get(partition) ?? []);
    for (const partition of partitions) this.tenures.delete(partition);
    const lanes = ended.flatMap((tenure) => [...tenure.lanes.values()]);
    const stopped = Promise.all(lanes.map((lane) => lane.stop()));
    // The next owner would send again what has ended and is not stored.
    if (ended.some((tenure) => tenure.alive())) {
      await Promise.race([stopped, sleep(HAND_OVER_MS, undefined, { ref: false })]);
      await this.services.settlements.flush(HAND_OVER_MS);
    }
    for (const lane of lanes) lane.release();
  }

  /** @returns undefined where the partition is not owned */
  tenure(partition: number): Tenure | undefined {
    return this.tenures.get(partition);
  }

  /**
   * Finds out up to where the owned partitions have a backlog, where that is not known yet.
   * @throws TransientError while the log is away
   */
  async measureBacklogs(): Promise<void> {
    const unknown = [...this.tenures].filter(([, { backlogEnd }]) => backlogEnd === undefined);
    if (unknown.length === 0) return;
    const ends = new Map((await this.log.bounds([marketTick.topic])).map(({ partition, end }) => [partition, end]));
    for (const [partition, tenure] of unknown) tenure.backlogEnd ??= ends.get(partition) ?? 0;
  }

  /** The partition's ticks are taken up to this offset: with the last of the backlog the newest ticks may go out. */
  taken(partition: number, offset: number): void {
    const tenure = this.tenures.get(partition);
    if (!tenure?.backlogEnd || offset < tenure.backlogEnd) return;
    tenure.backlogEnd = 0;
    for (const lane of tenure.lanes.values()) lane.caughtUp();
  }

  /**
   * What is stored of those agents that have no lane yet.
   * @throws TransientError while the database is away
   */
  load(agents: readonly { partition: number; agentId: string }[]): Promise<Map<string, DispatchState>> {
    const unknown = agents.filter(
      ({ partition, agentId }) => this.tenures.get(partition)?.lanes.has(agentId) === false,
    );
    return loadDispatchStates(this.pool, [...new Set(unknown.map(({ agentId }) => agentId))]);
  }

  /** @param states of `load`, asked before */
  lane(tenure: Tenure, agentId: string, states: ReadonlyMap<string, DispatchState>): AgentLane {
    let lane = tenure.lanes.get(agentId);
    if (!lane) {
      lane = new AgentLane(agentId, states.get(agentId), this.services, tenure.alive);
      tenure.lanes.set(agentId, lane);
    }
    return lane;
  }

  /** Takes no more ticks, begins no more callbacks, and waits until those in flight have ended and are stored. */
  async drain(timeoutMs: number): Promise<void> {
    this.draining = true;
    const lanes = [...this.tenures.values()].flatMap((tenure) => [...tenure.lanes.values()]);
    const drained = Promise.all(lanes.map((lane) => lane.drain()));
    await Promise.race([drained, sleep(timeoutMs, undefined, { ref: false })]);
    await this.services.settlements.flush(HAND_OVER_MS);
  }
}
