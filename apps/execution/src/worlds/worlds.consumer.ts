import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { agentActions, worldControl, type WorldControl, type WorldParameters } from '@tickwire/contracts';
import {
  Fence,
  OwnedBatches,
  OwnershipLost,
  PartitionsAssigned,
  PartitionsRevoked,
  type AssignmentChange,
  type EventBatch,
  type Position,
  type Queryable,
  type ReceivedEvent,
} from '@tickwire/event-log';
import { isConnectionError } from '@tickwire/persistence';
import type { AppHost } from '@tickwire/runtime';
import { Counter } from 'prom-client';
import { Turns } from '../turns.js';
import type { ExecutionConfig } from '../execution.config.js';
import { CONFIG, HOST, WORLDS_FENCE } from '../tokens.js';
import { safePositions, WorldInbox, type InboxRecord } from './world-inbox.js';
import { WorldRunner } from './world-runner.js';
import { insertWaiting, loadWaiting } from './world-waiting.js';
import { insertWorld, loadHeads, newWorld, rebuildWorld, type WorldHead } from './world-store.js';

export const WORLDS_GROUP = 'execution.worlds';
const REVOKE_FLUSH_MS = 1_000;
const LATE_TICKS = 'tickwire_execution_late_ticks_total';

interface OwnedPartition {
  turns: Turns;
  /** What has been read, by topic; stored less what still waits in an inbox. */
  read: Map<string, Position>;
  runners: Map<string, WorldRunner>;
  /** Of worlds that could not be rebuilt: what waits until they can. */
  broken: Map<string, WorldInbox>;
  recovering?: boolean;
}

/**
 * The only writer of worlds: `world.control` and `agent.actions` wait in their world's inbox until its next tick, which
 * is one transaction. Safe to redeliver: a world skips what its ticks have used up, by offset.
 */
@Controller()
export class WorldsConsumer {
  private readonly partitions = new Map<number, OwnedPartition>();
  private readonly lateTicks: Counter;
  /** Worlds of owned partitions that do not tick any more, or could not be rebuilt. */
  private readonly failed = new Map<string, number>();
  private storing: NodeJS.Timeout | undefined;

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
      this.partitions.set(partition, { turns: new Turns(), read, runners: new Map(), broken: new Map() });
    }
    this.storing ??= setInterval(() => this.storeAllWaiting(), this.config.STORE_WAITING_MS).unref();
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
    if (this.partitions.size === 0) {
      clearInterval(this.storing);
      this.storing = undefined;
    }
    for (const [worldId, partition] of this.failed) if (partitions.includes(partition)) this.failed.delete(worldId);
  }

  /** Worlds that should tick here and do not: for readiness. */
  failedWorlds(): string[] {
    return [...this.failed.keys()];
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
      const inbox = runner?.inbox ?? partition.broken.get((received.event.data as { worldId: string }).worldId);
      inbox?.add(inboxRecord(received));
      if (runner) touched.add(runner);
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
    if (standing || partition.broken.has(worldId)) return standing;
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
      this.fence.transact({
        partitions: [partition],
        write: (transaction) => insertWorld(transaction, head, this.host.now()),
      }),
    );
    return this.resume(head);
  }

  private async resume(head: WorldHead): Promise<WorldRunner | undefined> {
    const owned = this.partitions.get(head.partition);
    if (!owned) return undefined;
    const startedAt = performance.now();
    const db = this.host.pool as unknown as Queryable;
    try {
      const { world, upTo } = await rebuildWorld(db, head);
      const inbox = new WorldInbox(upTo);
      inbox.restore(await loadWaiting(db, head.worldId));
      const runner = new WorldRunner(head, world, inbox, {
        host: this.host,
        fence: this.fence,
        turns: owned.turns,
        positions: () => safePositions([...owned.read.values()], inboxesOf(owned)),
        snapshotEveryTicks: this.config.SNAPSHOT_EVERY_TICKS,
        lateTick: () => this.lateTicks.inc(),
        fenceMoved: () => void this.recover(head.partition),
        failed: (error) => this.fail(head, error, 'the world has stopped'),
      });
      owned.runners.set(head.worldId, runner);
      this.failed.delete(head.worldId);
      runner.start();
      this.host.logger.info(
        { worldId: head.worldId, tick: head.tick, recoveryMs: Math.round(performance.now() - startedAt) },
        'the world runs',
      );
      return runner;
    } catch (error) {
      if (isConnectionError(error)) throw error; // says nothing about the world: whoever asked asks again
      // One broken world stops alone, and loudly; the others of the partition go on.
      this.fail(head, error, 'the world cannot be rebuilt and does not run');
      const inbox = new WorldInbox({});
      owned.broken.set(head.worldId, inbox);
      inbox.restore(await loadWaiting(db, head.worldId));
      return undefined;
    }
  }

  private fail({ worldId, partition, tick }: WorldHead, err: unknown, message: string): void {
    this.failed.set(worldId, partition);
    this.host.logger.error({ worldId, tick, err }, message);
  }

  /** The partition's fence row has moved under a world. If it is still ours, its worlds begin again from what is stored. */
  private async recover(partition: number): Promise<void> {
    const owned = this.partitions.get(partition);
    if (!owned || owned.recovering) return;
    owned.recovering = true;
    for (const runner of owned.runners.values()) runner.stop();
    try {
      await owned.turns.take(async () => {
        const mine = await this.fence.reread([partition]);
        if (mine.length === 0 || this.partitions.get(partition) !== owned) return; // the next owner goes on
        const waiting = new Map([...owned.runners].map(([worldId, runner]) => [worldId, runner.inbox.waiting()]));
        for (const [worldId, inbox] of owned.broken) waiting.set(worldId, inbox.waiting());
        owned.runners.clear();
        owned.broken.clear();
        for (const head of await loadHeads(this.host.pool as unknown as Queryable, [partition])) {
          const runner = await this.resume(head);
          const inbox = runner?.inbox ?? owned.broken.get(head.worldId);
          for (const record of waiting.get(head.worldId) ?? []) inbox?.add(record);
        }
      });
    } catch (error) {
      this.host.logger.warn(
        { partition, err: error },
        'the worlds of a partition could not be read again; trying again',
      );
      setTimeout(() => void this.recover(partition), 1_000);
    } finally {
      owned.recovering = false;
    }
  }

  private storeAllWaiting(): void {
    for (const [partition, owned] of this.partitions) {
      owned.turns
        .take(() => this.storeWaiting(partition, owned))
        .catch((error: unknown) => {
          if (error instanceof OwnershipLost) void this.recover(partition);
          else this.host.logger.warn({ partition, err: error }, 'what waits for worlds that stand is not stored yet');
        });
    }
  }

  /** Lets the position move on although a world stands still: the log keeps its records for a week, not for ever. */
  private async storeWaiting(partition: number, owned: OwnedPartition): Promise<void> {
    if (this.partitions.get(partition) !== owned) return;
    const runners = [...owned.runners.values()];
    const standing = [
      ...runners.filter((runner) => runner.stands).map(({ worldId, inbox }) => ({ worldId, inbox })),
      ...[...owned.broken].map(([worldId, inbox]) => ({ worldId, inbox })),
    ];
    const work = standing
      .map(({ worldId, inbox }) => ({ worldId, inbox, records: inbox.notStored() }))
      .filter(({ records }) => records.length > 0);
    const going = runners.filter((runner) => !runner.stands).map(({ inbox }) => inbox);
    const next = safePositions([...owned.read.values()], going);
    const stored = this.fence.stored(partition);
    if (work.length === 0 && next.every(({ topic, offset }) => stored[topic] === offset)) return;
    await this.fence.transact({
      partitions: [partition],
      next,
      write: (transaction) => {
        for (const { worldId, records } of work) insertWaiting(transaction, worldId, records);
      },
    });
    for (const { inbox, records } of work) inbox.stored(records);
  }
}

function inboxesOf({ runners, broken }: OwnedPartition): WorldInbox[] {
  return [...[...runners.values()].map(({ inbox }) => inbox), ...broken.values()];
}

function inboxRecord({ record, event }: ReceivedEvent): InboxRecord {
  const { topic, offset } = record;
  return event.type === worldControl.type
    ? { topic, offset, kind: 'control', event: event.data as WorldControl }
    : { topic, offset, kind: 'actions', event: event.data as Extract<InboxRecord, { kind: 'actions' }>['event'] };
}
