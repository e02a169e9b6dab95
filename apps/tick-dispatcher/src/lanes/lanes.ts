import { loadDispatchStates, type DispatchState } from '../settlement/dispatch-states.js';
import type { Pool } from 'pg';
import { AgentLane } from './agent-lane.js';
import type { LaneServices } from './lane-services.js';

/** The lanes of a partition, from its assignment to its end. */
export interface Tenure {
  readonly lanes: Map<string, AgentLane>;
  /** Whether this process may still act for the partition. */
  alive(): boolean;
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
  ) {}

  assign(partitions: readonly number[], alive: () => boolean): void {
    for (const partition of partitions) this.tenures.set(partition, { lanes: new Map(), alive });
  }

  /** Ends what is in flight; afterwards nothing of these partitions is sent or stored. */
  async revoke(partitions: readonly number[]): Promise<void> {
    const ended = partitions.flatMap((partition) => this.tenures.get(partition) ?? []);
    for (const partition of partitions) this.tenures.delete(partition);
    const lanes = ended.flatMap((tenure) => [...tenure.lanes.values()]);
    for (const lane of lanes) lane.stop();
    // The next owner would send again what has ended and is not stored.
    if (ended.some((tenure) => tenure.alive())) await this.services.settlements.flush(HAND_OVER_MS);
    for (const lane of lanes) lane.release();
  }

  /** @returns undefined where the partition is not owned */
  tenure(partition: number): Tenure | undefined {
    return this.tenures.get(partition);
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
    const late = new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref());
    await Promise.race([Promise.all(lanes.map((lane) => lane.drain())), late]);
    await this.services.settlements.flush(HAND_OVER_MS);
  }
}
