import { wallMs } from '../../load/open-loop.js';
import { prepareCallbacks, type PeerStretch } from '../peers/prepared-callbacks.js';
import { Processors } from '../processes/processors.js';
import { ServedProcess } from '../processes/served-process.js';
import type { TicksOptions } from '../options.js';
import { closedAt, recordsOfShard } from '../world/bench-world.js';
import type { DispatcherSystem, RegisteredWorld } from '../system/dispatcher-system.js';

/** What the dispatcher did in one stretch as fast as it goes. */
export interface DispatchStretch extends PeerStretch {
  postgresCpuUs: number;
}

export interface MaximumStretches {
  agents: number;
  /** Of each round. */
  ours: DispatchStretch[];
  undici: PeerStretch[];
  got: PeerStretch[];
}

type Settings = Pick<TicksOptions, 'callbacks' | 'rounds' | 'connections'>;

/** got takes several times as long; its figure needs no more. */
const GOT_SHARE = 1 / 4;
/** Of a stretch of ours, before the first that is measured: got needs ten thousand requests until its code is compiled. */
const WARM_UP_SHARE = 1;

/** Ours, undici and got in turns, so that what the machine does meanwhile meets all of them. */
export async function measureMaximum(
  system: DispatcherSystem,
  registered: RegisteredWorld,
  { callbacks, rounds, connections }: Settings,
  say: (line: string) => void,
  stopped: AbortSignal,
): Promise<MaximumStretches> {
  const { world, secrets } = registered;
  const agents = world.agentIds.length;
  const ticks = Math.max(1, Math.round(callbacks / agents));
  await system.startDispatcher();
  const [sample] = world.next(1);
  const origins = [...system.origins];
  const plan = {
    origins,
    callbacks: prepareCallbacks(sample!.records, world.agentIds, secrets, origins.length),
    connectionsPerOrigin: connections,
    concurrency: Math.min(agents, connections * origins.length),
  };
  const undici = await ServedProcess.start('undici', plan);
  const got = await ServedProcess.start('got', plan);
  const processors = await Processors.of(process.pid);
  if (!processors) say('one processor, or no taskset: what is measured shares its processor with what serves it');
  try {
    await processors?.setApart([system.dispatcher.pid, undici.pid, got.pid]);
    const count = ticks * agents;
    const gotCount = Math.ceil(count * GOT_SHARE);
    say(`${agents} agents: warming up`);
    await dispatchAtMaximum(system, registered, Math.max(1, Math.round(ticks * WARM_UP_SHARE)));
    await undici.call('send', Math.ceil(count * WARM_UP_SHARE));
    await got.call('send', Math.ceil(count * WARM_UP_SHARE));
    const measured: MaximumStretches = { agents, ours: [], undici: [], got: [] };
    for (let round = 1; round <= rounds; round += 1) {
      stopped.throwIfAborted();
      measured.ours.push(await dispatchAtMaximum(system, registered, ticks));
      measured.undici.push(await undici.call('send', count));
      measured.got.push(await got.call('send', gotCount));
      for (const subject of ['ours', 'undici', 'got'] as const)
        say(`${agents} agents, round ${round}/${rounds} ${subject.padEnd(6)} ${sentence(measured[subject].at(-1)!)}`);
    }
    return measured;
  } finally {
    await undici.stop();
    await got.stop();
    await processors?.share();
  }
}

/**
 * Publishes each tick of a shard once the one before has reached all agents of the shard, so that none is superseded: while
 * one shard's next tick is on its way over the log, the others are served. The time runs to the last arrival, processor time
 * until everything is stored as settled.
 */
export async function dispatchAtMaximum(
  system: DispatcherSystem,
  { world }: RegisteredWorld,
  ticks: number,
): Promise<DispatchStretch> {
  const { shardOf, agentIds } = world;
  const expected = { agents: agentIds.length, shardOf, firstTick: world.nextTick, ticks };
  const sizes = new Map<number, number>();
  for (const shard of shardOf) sizes.set(shard, (sizes.get(shard) ?? 0) + 1);
  // All of them closed now: what it takes to say so is the publisher's, and is not to be measured.
  const closed = world.next(ticks).map((tick) => ({ tick: tick.tick, records: closedAt(tick, Date.now()) }));
  await system.receivers.call('expect', expected, false);
  const before = await cpuUs(system);
  const startedMs = wallMs();
  await Promise.all(
    [...sizes].map(async ([shard, agents]) => {
      for (const { tick, records } of closed) {
        const acknowledged = system.append(recordsOfShard(records, world.worldId, shard));
        await Promise.all([acknowledged, system.receivers.call('reached', tick, agents, shard)]);
      }
    }),
  );
  const seconds = (wallMs() - startedMs) / 1_000;
  await system.settled(world, closed.at(-1)!.tick);
  const after = await cpuUs(system);
  return {
    sent: agentIds.length * ticks,
    seconds,
    cpuUs: after.dispatcher - before.dispatcher,
    postgresCpuUs: after.postgres - before.postgres,
  };
}

async function cpuUs(system: DispatcherSystem): Promise<{ dispatcher: number; postgres: number }> {
  const [dispatcher, postgres] = await Promise.all([system.dispatcher.cpuUs(), system.postgresCpuUs()]);
  return { dispatcher, postgres };
}

function sentence({ sent, seconds, cpuUs }: PeerStretch): string {
  return (
    `${(cpuUs / sent).toFixed(1)} us of CPU a callback, ${(sent / seconds).toFixed(0)} callbacks/s, ` +
    `${(cpuUs / 1e6 / seconds).toFixed(2)} processors busy`
  );
}
