import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { CpuProfile } from '../profile/busy-time.js';
import type { Output } from '../run-bench.js';
import { pacedFigures } from './figures/paced-figures.js';
import { renderPlaces } from './figures/profile-places.js';
import type { TicksOptions } from './options.js';
import { answers, dispatchByTheClock, type ClockStretch } from './parts/by-the-clock.js';
import { dispatchAtMaximum, measureMaximum } from './parts/maximum.js';
import { hangingOf } from './receivers/callback-address.js';
import { maximumFigures, renderFigures, ticksLine, type ClockFigures, type TicksFigures } from './report.js';
import { DispatcherSystem, type RegisteredWorld } from './system/dispatcher-system.js';

/** Runs the bench from start to end; what it started is stopped again, whatever happens. */
export async function runTicks(options: TicksOptions, output: Output, stopped: AbortSignal): Promise<void> {
  const folder = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'tickwire-bench-')));
  const figures: TicksFigures = { maximum: [], clock: [] };
  try {
    for (const log of options.logs) {
      const say = (line: string): void => output.progress(`${log}: ${line}`);
      say('starting');
      const system = await DispatcherSystem.start(log, join(folder, log), options, say);
      try {
        await new LogRun(log, system, options, say, stopped).run(figures);
      } finally {
        say('stopping');
        await system.stop();
      }
    }
  } finally {
    if (options.dataDir === undefined) await rm(folder, { recursive: true, force: true });
    // Also where a later part has failed: what was measured before it took its time.
    if (figures.maximum.length + figures.clock.length > 0) {
      output.print(renderFigures(figures));
      output.print(JSON.stringify(ticksLine(figures)));
    }
  }
}

/** The parts on one log. Each begins with a new dispatcher and worlds of its own. */
class LogRun {
  private worlds = 0;

  constructor(
    private readonly log: 'kafka' | 'postgres',
    private readonly system: DispatcherSystem,
    private readonly options: TicksOptions,
    private readonly say: (line: string) => void,
    private readonly stopped: AbortSignal,
  ) {}

  async run({ maximum, clock }: TicksFigures): Promise<void> {
    const { log, system, options, say, stopped } = this;
    const wants = (part: TicksOptions['parts'][number]): boolean => options.parts.includes(part);
    if (wants('cpu')) {
      for (const agents of options.agents) {
        const registered = await this.world(agents);
        maximum.push(maximumFigures(log, await measureMaximum(system, registered, options, say, stopped)));
      }
      if (options.profile !== undefined) await this.profile(options.profile);
    }
    if (wants('latency'))
      for (const agents of options.latencyAgents) clock.push(await this.byTheClock('latency', agents, false));
    if (wants('hanging')) clock.push(await this.byTheClock('hanging', options.hangingAgents, true));
    if (wants('isolation')) clock.push(...(await this.isolation()));
    if (wants('ten-thousand')) clock.push(await this.byTheClock('ten-thousand', options.manyAgents, false));
  }

  private world(agents: number): Promise<RegisteredWorld> {
    this.say(`making a world of ${agents} agents`);
    return this.system.register(`bench_${(this.worlds += 1)}`, agents);
  }

  private async byTheClock(part: ClockFigures['part'], agents: number, hanging: boolean): Promise<ClockFigures> {
    const registered = await this.world(agents);
    await this.system.startDispatcher();
    return this.told(part, hanging, [await this.stretch(registered, hanging)]);
  }

  /** The same number of answering agents, with others that hang and without them, in turns. */
  private async isolation(): Promise<ClockFigures[]> {
    const { isolationAgents, rounds } = this.options;
    const alone = await this.world(isolationAgents - hangingOf(isolationAgents));
    const crowded = await this.world(isolationAgents);
    await this.system.startDispatcher();
    const stretches = { alone: [] as ClockStretch[], crowded: [] as ClockStretch[] };
    for (let round = 1; round <= rounds; round += 1) {
      stretches.alone.push(await this.stretch(alone, false));
      stretches.crowded.push(await this.stretch(crowded, true));
    }
    return [this.told('isolation', false, stretches.alone), this.told('isolation', true, stretches.crowded)];
  }

  private stretch(registered: RegisteredWorld, hanging: boolean): Promise<ClockStretch> {
    this.stopped.throwIfAborted();
    const { seconds, tickMs } = this.options;
    const ticks = Math.max(1, Math.round((seconds * 1_000) / tickMs));
    this.say(`${registered.world.agentIds.length} agents, ${hanging ? 'a fifth of them hanging, ' : ''}${ticks} ticks`);
    return dispatchByTheClock(this.system, registered, { ticks, tickMs, hanging });
  }

  private told(part: ClockFigures['part'], hanging: boolean, stretches: readonly ClockStretch[]): ClockFigures {
    const { agents } = stretches[0]!.arrived;
    const figures: ClockFigures = {
      ...pacedFigures(stretches, this.options.tickMs, answers(hanging)),
      log: this.log,
      part,
      agents,
      hanging: hanging ? hangingOf(agents) : 0,
      busy: stretches.at(-1)!.busy,
      worstDelayMs: Math.max(...stretches.map(({ worstDelayMs }) => worstDelayMs)),
    };
    this.say(
      `${part}, ${agents} agents: received p50 ${figures.p50Ms.toFixed(1)} p99 ${figures.p99Ms.toFixed(1)} ms, ` +
        `last of a tick ${figures.lastP50Ms.toFixed(1)} ms, ${(figures.insideShare * 100).toFixed(2)} % inside the tick`,
    );
    return figures;
  }

  /** One more stretch in the world of the headline, with V8's profiler; what that costs stays out of the figures. */
  private async profile(folder: string): Promise<void> {
    const { callbacks, agents } = this.options;
    const size = agents.includes(1_000) ? 1_000 : agents.at(-1)!;
    await mkdir(folder, { recursive: true });
    const file = join(resolve(folder), `tick-dispatcher-${this.log}.cpuprofile`);
    const registered = await this.world(size);
    const ticks = Math.max(1, Math.round(callbacks / size));
    await this.system.startDispatcher();
    await dispatchAtMaximum(this.system, registered, ticks);
    await this.system.dispatcher.profiled(file, () => dispatchAtMaximum(this.system, registered, ticks));
    this.say(`profile in ${file}; its busy time by place:`);
    for (const line of renderPlaces(JSON.parse(await readFile(file, 'utf8')) as CpuProfile)) this.say(line);
  }
}
