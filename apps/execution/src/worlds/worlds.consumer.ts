import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { agentActions, worldControl, type WorldControl, type WorldParameters } from '@tickwire/contracts';
import {
  Fence,
  OwnedBatches,
  PartitionsAssigned,
  PartitionsRevoked,
  type AssignmentChange,
  type EventBatch,
  type Position,
  type Queryable,
  type ReceivedEvent,
} from '@tickwire/event-log';
import type { AppHost } from '@tickwire/runtime';
import { Counter } from 'prom-client';
import { Turns } from '../turns.js';
import type { ExecutionConfig } from '../execution.config.js';
import { CONFIG, HOST, WORLDS_FENCE } from '../tokens.js';
import { safePositions, WorldInbox, type InboxRecord } from './world-inbox.js';
import { WorldRunner } from './world-runner.js';
import { insertWorld, loadHeads, newWorld, rebuildWorld, type WorldHead } from './world-store.js';

export const WORLDS_GROUP = 'execution.worlds';
const REVOKE_FLUSH_MS = 1_000;
const LATE_TICKS = 'tickwire_execution_late_ticks_total';

interface OwnedPartition {
  turns: Turns;
  /** What has been read, by topic; stored less what still waits in an inbox. */
  read: Map<string, Position>;
  runners: Map<string, WorldRunner>;
}

/**
 * The only writer of worlds: `world.control` and `agent.actions` wait in their world's inbox until its next tick, which
 * is one transaction. Safe to redeliver: a world skips what its ticks have used up, by offset.
 */
@Controller()
export class WorldsConsumer {
  private readonly partitions = new Map<number, OwnedPartition>();
  private readonly lateTicks: Counter;

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(CONFIG) private readonly config: ExecutionConfig,
    @Inject(WORLDS_FENCE) private readonly fence: Fence,
  ) {
    const { registry } = host.management;
    this.lateTicks =
      (registry.getSingleMetric(LATE_TICKS) as Counter | undefined) ??
      new Counter({
        name: LATE_TICKS,
        help: 'Ticks that closed more than a tick after they were due',
        registers: [registry],
      });
  }

  @PartitionsAssigned(WORLDS_GROUP)
  async assigned(@Payload() { partitions, alive }: AssignmentChange): Promise<Position[]> {
    let heads: WorldHead[] = [];
    const positions = await this.fence.take(partitions, alive, async (snapshot) => {
      heads = await loadHeads(snapshot, partitions);
    });
    for (const partition of partitions) {
      const read = new Map(positions.filter((each) => each.partition === partition).map((each) => [each.topic, each]));
      this.partitions.set(partition, { turns: new Turns(), read, runners: new Map() });
    }
    // Nobody else writes these rows now, so they can be read outside the snapshot, world by world.
    for (const head of heads) await this.resume(head);
    return positions;
  }

  @PartitionsRevoked(WORLDS_GROUP)
  async revoked(@Payload() { partitions }: AssignmentChange): Promise<void> {
    for (const partition of partitions) {
      const owned = this.partitions.get(partition);
      for (const runner of owned?.runners.values() ?? []) runner.stop();
      // A tick that is being committed ends first.
      await owned?.turns.take(async () => undefined);
    }
    await this.fence.flush(REVOKE_FLUSH_MS);
    this.fence.drop(partitions);
    for (const partition of partitions) this.partitions.delete(partition);
  }

  @OwnedBatches({ group: WORLDS_GROUP, events: [worldControl, agentActions], offsets: 'handler' })
  async handleBatch(@Payload() batch: EventBatch): Promise<void> {
    if (batch.faults.length > 0) {
      const emit = batch.faults.map(({ record, letter }) => ({ partition: record.partition, record: letter }));
      await this.fence.transact({ partitions: batch.faults.map(({ record }) => record.partition), emit });
    }
    const touched = new Set<WorldRunner>();
    for (const received of batch.events) {
      const partition = this.partitions.get(received.record.partition);
      if (!partition) continue; // lost meanwhile
      const runner = await this.runnerFor(partition, received);
      if (!runner) continue;
      runner.inbox.add(inboxRecord(received));
      touched.add(runner);
    }
    for (const position of batch.next) this.partitions.get(position.partition)?.read.set(position.topic, position);
    for (const runner of touched) runner.nudge();
  }

  private async runnerFor(
    partition: OwnedPartition,
    { record, event }: ReceivedEvent,
  ): Promise<WorldRunner | undefined> {
    const { worldId } = event.data as { worldId: string };
    const standing = partition.runners.get(worldId);
    if (standing) return standing;
    const control = event.type === worldControl.type ? (event.data as WorldControl) : undefined;
    if (control?.command !== 'created' || !control.parameters) {
      this.host.logger.warn({ worldId, type: event.type }, 'a record for a world that does not exist is dropped');
      return undefined;
    }
    return this.create(worldId, record.partition, control.parameters);
  }

  private async create(
    worldId: string,
    partition: number,
    parameters: WorldParameters,
  ): Promise<WorldRunner | undefined> {
    const owned = this.partitions.get(partition)!;
    const clock = { tickMs: parameters.tickMs, paused: false, stepsLeft: 0 };
    const head: WorldHead = {
      worldId,
      partition,
      tick: 0,
      hash: newWorld(worldId, parameters).hash(),
      parameters,
      clock,
    };
    await owned.turns.take(() =>
      this.fence.transact({ partitions: [partition], write: (db) => insertWorld(db, head, this.host.now()) }),
    );
    return this.resume(head);
  }

  private async resume(head: WorldHead): Promise<WorldRunner | undefined> {
    const owned = this.partitions.get(head.partition);
    if (!owned) return undefined;
    const startedAt = performance.now();
    try {
      const { world, upTo } = await rebuildWorld(this.host.pool as unknown as Queryable, head);
      const runner = new WorldRunner(head, world, new WorldInbox(upTo), {
        host: this.host,
        fence: this.fence,
        turns: owned.turns,
        positions: () =>
          safePositions(
            [...owned.read.values()],
            [...owned.runners.values()].map((each) => each.inbox),
          ),
        snapshotEveryTicks: this.config.SNAPSHOT_EVERY_TICKS,
        lateTick: () => this.lateTicks.inc(),
      });
      owned.runners.set(head.worldId, runner);
      runner.start();
      this.host.logger.info(
        { worldId: head.worldId, tick: head.tick, recoveryMs: Math.round(performance.now() - startedAt) },
        'the world runs',
      );
      return runner;
    } catch (error) {
      // One broken world stops alone, and loudly; the others of the partition go on.
      this.host.logger.error(
        { worldId: head.worldId, tick: head.tick, err: error },
        'the world cannot be rebuilt and does not run',
      );
      return undefined;
    }
  }
}

function inboxRecord({ record, event }: ReceivedEvent): InboxRecord {
  const { topic, offset } = record;
  return event.type === worldControl.type
    ? { topic, offset, kind: 'control', event: event.data as WorldControl }
    : { topic, offset, kind: 'actions', event: event.data as Extract<InboxRecord, { kind: 'actions' }>['event'] };
}
