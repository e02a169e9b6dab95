import type { Role } from '../agents/agent.js';
import type { AgentAnswer } from '../agents/drain-answers.js';
import { resolveSettings, type WorldSettings } from '../settings.js';
import type { ActionResult, AgentTick, Quote, TickResult } from './tick-result.js';
import { createState, type WorldState } from './world-state.js';
import { World, type WorldControl } from './world.js';

/** A small world with a clock of its own, for specs. Its state is open, so that a spec can arrange a price. */
export class Scenario {
  readonly state: WorldState;
  readonly world: World;
  last: TickResult;
  private waiting: AgentAnswer[] = [];

  constructor(settings: Partial<WorldSettings> = {}, agents: Readonly<Record<string, Role>> = {}) {
    this.state = createState(resolveSettings({ worldId: 'w', seed: 'scenario', companies: 5, ...settings }));
    this.world = new World(this.state);
    const controls = Object.entries(agents).map(([agentId, role]): WorldControl => ({
      type: 'agent-registered',
      agentId,
      role,
      name: agentId,
    }));
    this.last = this.step(controls);
  }

  /** Sends one answer to the last tick, to be drained by the next `step`. */
  answer(agentId: string, ...actions: unknown[]): this {
    this.waiting.push({ agentId, tick: this.last.tick, channel: 'callback', actions });
    return this;
  }

  /** Sends an answer as it is. */
  send(answer: AgentAnswer): this {
    this.waiting.push(answer);
    return this;
  }

  step(controls: WorldControl[] = []): TickResult {
    const actions = this.waiting;
    this.waiting = [];
    this.last = this.world.step({ closedAtMs: 1_000 * (this.state.tick + 1), controls, actions });
    return this.last;
  }

  /** Steps until the market is as wanted. */
  stepUntil(open: boolean): TickResult {
    while (this.last.marketOpen !== open) this.step();
    return this.last;
  }

  /** Answers, steps, and gives the results of these actions. */
  act(agentId: string, ...actions: unknown[]): ActionResult[] {
    this.answer(agentId, ...actions).step();
    return [...this.agent(agentId).actionResults];
  }

  agent(agentId: string): AgentTick {
    const found = this.last.agents.find((agent) => agent.agentId === agentId);
    if (found === undefined) throw new Error(`no agent ${agentId}`);
    return found;
  }

  get symbol(): string {
    return this.last.quotes[0]?.symbol ?? '';
  }

  /** The first company's quote, which `symbol` names. */
  get quote(): Quote {
    const quote = this.last.quotes[0];
    if (quote === undefined) throw new Error('no companies');
    return quote;
  }

  /** Moves the first company's fair value by a factor; the next step publishes it. */
  movePrice(factor: number): this {
    const listing = this.state.listings[0];
    if (listing !== undefined) {
      listing.price.logReference += Math.log(factor);
      listing.price.logFundamental += Math.log(factor);
    }
    return this;
  }
}
