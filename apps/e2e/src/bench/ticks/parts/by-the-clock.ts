import { runOpenLoop, SYSTEM_CLOCK } from '../../load/open-loop.js';
import type { Busy } from '../figures/busy.js';
import { hangingOf, hangs } from '../receivers/callback-address.js';
import type { Arrived } from '../receivers/arrivals.js';
import type { DispatcherSystem, RegisteredWorld } from '../system/dispatcher-system.js';

export interface ClockPlan {
  ticks: number;
  tickMs: number;
  /** Whether every fifth agent accepts and never answers. */
  hanging: boolean;
}

/** What came of ticks that close by the clock, whatever becomes of the ones before. */
export interface ClockStretch {
  arrived: Arrived;
  /** Of each tick, wall clock ms. */
  closedAtMs: number[];
  busy: Busy;
  /** How late the publisher itself was at worst, ms. */
  worstDelayMs: number;
}

/** Of ticks before the ones that count: connections are opened, code is compiled. */
const WARM_UP_TICKS = 3;

/** Closes a tick every `tickMs` and waits until the last one is settled. What hangs is released at the end. */
export async function dispatchByTheClock(
  system: DispatcherSystem,
  { world }: RegisteredWorld,
  { ticks, tickMs, hanging }: ClockPlan,
): Promise<ClockStretch> {
  const agents = world.agentIds.length;
  const { receivers } = system;
  const warmUp = world.next(WARM_UP_TICKS);
  await receivers.call('expect', { agents, firstTick: warmUp[0]!.tick, ticks: WARM_UP_TICKS }, false);
  for (const tick of warmUp) {
    const { acknowledged } = system.publish(tick);
    await Promise.all([acknowledged, receivers.call('reached', tick.tick, agents)]);
  }
  await system.settled(world, warmUp.at(-1)!.tick);

  const expected = { agents, firstTick: world.nextTick, ticks };
  const closed = world.next(ticks);
  await receivers.call('expect', expected, hanging);
  const before = await cpuSecondsOf(system);
  const startedMs = performance.now();
  const closedAtMs: number[] = [];
  const appends: Promise<void>[] = [];
  const { worstDelayMs } = await runOpenLoop(
    { ratePerSecond: 1_000 / tickMs, seconds: (ticks * tickMs) / 1_000 },
    SYSTEM_CLOCK,
    (index) => {
      const { closedAtMs: at, acknowledged } = system.publish(closed[index]!);
      closedAtMs.push(at);
      appends.push(acknowledged);
    },
  );
  await Promise.all(appends);
  await SYSTEM_CLOCK.sleep(Math.max(0, startedMs + ticks * tickMs - performance.now()));
  const seconds = (performance.now() - startedMs) / 1_000;
  const after = await cpuSecondsOf(system);
  const answering = agents - (hanging ? hangingOf(agents) : 0);
  // The newest tick is superseded by none, so it comes, sooner or later; one that does not is in the figures.
  await receivers.call('reached', closed.at(-1)!.tick, answering).catch(() => undefined);
  const arrived = await receivers.call('arrived');
  await receivers.call('release');
  await system.settled(world, closed.at(-1)!.tick);
  const busy = Object.fromEntries(
    Object.entries(after).map(([name, used]) => [name, (used - before[name as keyof Busy]) / seconds]),
  ) as unknown as Busy;
  return { arrived, closedAtMs, busy, worstDelayMs };
}

/** Of agents that do not hang. */
export function answers(hanging: boolean): (agent: number) => boolean {
  return (agent) => !hanging || !hangs(agent);
}

async function cpuSecondsOf(system: DispatcherSystem): Promise<Busy> {
  const [dispatcher, postgres, receivers] = await Promise.all([
    system.dispatcher.cpuUs(),
    system.postgresCpuUs(),
    system.receivers.call('cpuUs'),
  ]);
  const { user, system: kernel } = process.cpuUsage();
  return {
    dispatcher: dispatcher / 1e6,
    postgres: postgres / 1e6,
    receivers: receivers / 1e6,
    publisher: (user + kernel) / 1e6,
  };
}
