import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  agentControl,
  configChanged,
  marketTick,
  type AgentControl,
  type ConfigChanged,
  type MarketTick,
} from '@tickwire/contracts';
import { Directory, type AgentEntry } from '@tickwire/directory';
import {
  BroadcastEvents,
  eventsOf,
  OwnedBatches,
  PartitionsAssigned,
  PartitionsRevoked,
  type AssignmentChange,
  type EventBatch,
  type LogRecord,
  type Position,
  type ReceivedEvent,
} from '@tickwire/event-log';
import type { DispatchState } from '../settlement/dispatch-states.js';
import { DeliveryLog } from '../deliveries/delivery-log.js';
import { Lanes, type Tenure } from '../lanes/lanes.js';
import { OpenRecords } from './open-records.js';
import { PreparedTicks } from './prepared-ticks.js';

export const TICK_DISPATCHER_GROUP = 'tick-dispatcher';

type MarketTickReceived = ReceivedEvent<MarketTick>;

/**
 * `market.tick` and `agent.control` -> each agent's lane. A batch is taken as soon as the lanes have it; its offsets are settled
 * when the callbacks are. Safe to redeliver: a lane knows which ticks and which breaker resets it has taken, and after a restart
 * Postgres knows which are settled; a test tick that was not acknowledged goes out again under its id.
 */
@Controller()
export class MarketTicksConsumer {
  private settle: (position: Position) => void = () => undefined;
  private readonly records = new OpenRecords((position) => this.settle(position));
  /** Ends of records that the server buries once the batch is through. */
  private buried: (() => void)[] = [];

  constructor(
    @Inject(Directory) private readonly directory: Directory,
    @Inject(Lanes) private readonly lanes: Lanes,
    @Inject(DeliveryLog) private readonly deliveries: DeliveryLog,
    @Inject(PreparedTicks) private readonly prepared: PreparedTicks,
  ) {}

  @PartitionsAssigned(TICK_DISPATCHER_GROUP)
  assigned(@Payload() { partitions, alive }: AssignmentChange): void {
    this.lanes.assign(partitions, alive);
  }

  @PartitionsRevoked(TICK_DISPATCHER_GROUP)
  async revoked(@Payload() { partitions }: AssignmentChange): Promise<void> {
    this.records.drop(partitions);
    await this.lanes.revoke(partitions);
  }

  @BroadcastEvents({ name: 'tick-dispatcher.config', events: [configChanged], from: 'end' })
  configChanged(@Payload() events: ReceivedEvent<ConfigChanged>[]): void {
    this.directory.changed(events);
  }

  // A record is up to 512 kB: a few dozen are enough to keep every lane busy.
  @OwnedBatches({
    group: TICK_DISPATCHER_GROUP,
    events: [marketTick, agentControl],
    offsets: 'settle',
    maxBatchRecords: 64,
  })
  async handleBatch(@Payload() batch: EventBatch): Promise<void> {
    await this.deliveries.hasRoom(() => this.lanes.draining);
    const ticks = eventsOf(batch, marketTick);
    const controls = eventsOf(batch, agentControl);
    const tenures = new Map([...ticks, ...controls].map(({ record }) => [record, this.lanes.tenure(record.partition)]));
    const wanted = [
      ...ticks.flatMap(({ record: { partition }, event }) =>
        event.data.agents.map(({ agentId }) => ({ partition, agentId })),
      ),
      ...controls.map(({ record: { partition }, event }) => ({ partition, agentId: event.data.agentId })),
    ];
    const [agents, states] = await Promise.all([
      this.directory.agents([...new Set(wanted.map(({ agentId }) => agentId))]),
      this.lanes.load(wanted),
      this.lanes.measureBacklogs(),
    ]);
    // From here on nothing is awaited: the lanes take the whole batch, or none of it and it comes again.
    if (this.lanes.draining) return;
    this.settle = batch.settle;
    for (const end of this.buried.splice(0)) end();
    const taken: { record: LogRecord; take?: (tenure: Tenure) => void }[] = [
      ...ticks.map((each) => ({
        record: each.record,
        take: (tenure: Tenure) => this.take(each, tenure, agents, states),
      })),
      ...controls.map((each) => ({
        record: each.record,
        take: (tenure: Tenure) => this.command(each, tenure, agents, states),
      })),
      ...batch.faults.map(({ record }) => ({ record })),
    ];
    for (const { record, take } of taken.sort((a, b) => a.record.offset - b.record.offset)) {
      // Not the tenure it was read in: the partition was lost meanwhile, and perhaps taken again.
      const tenure = this.lanes.tenure(record.partition);
      if (!tenure) continue;
      if (take === undefined) this.buried.push(this.records.open(record, 1));
      else if (tenure === tenures.get(record)) take(tenure);
    }
    this.records.seen(batch.next.filter(({ partition }) => this.lanes.tenure(partition)));
    for (const { topic, partition, offset } of batch.next)
      if (topic === marketTick.topic) this.lanes.taken(partition, offset);
  }

  private take(
    { record, event }: MarketTickReceived,
    tenure: Tenure,
    agents: ReadonlyMap<string, AgentEntry>,
    states: ReadonlyMap<string, DispatchState>,
  ): void {
    const { worldId, shard, tick, closedAt } = event.data;
    // Agents that are in no directory have neither callback nor inbox.
    const known = event.data.agents.flatMap((own) => {
      const agent = agents.get(own.agentId);
      return agent ? [{ own, agent }] : [];
    });
    const ended = this.records.open(record, known.length);
    if (known.length === 0) return;
    const shared = {
      worldId,
      shard,
      tick,
      prepared: this.prepared.of(event.data),
      causeId: event.id,
      closedAtMs: Date.parse(closedAt),
    };
    const backlog = record.offset < (tenure.backlogEnd ?? 0);
    for (const { own, agent } of known)
      this.lanes.lane(tenure, agent.id, states).offer({ ...shared, own, agent }, ended, backlog);
  }

  private command(
    { record, event }: ReceivedEvent<AgentControl>,
    tenure: Tenure,
    agents: ReadonlyMap<string, AgentEntry>,
    states: ReadonlyMap<string, DispatchState>,
  ): void {
    const { agentId, requestedAt, ...control } = event.data;
    const agent = agents.get(agentId);
    const done = this.records.open(record, agent ? 1 : 0);
    if (!agent) return;
    const { partition } = record;
    const command = { ...control, agent, partition, requestedAtMs: Date.parse(requestedAt) };
    this.lanes.lane(tenure, agentId, states).command(command, done);
  }
}
