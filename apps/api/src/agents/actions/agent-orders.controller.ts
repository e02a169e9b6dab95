import { Controller, Get, Inject, Param } from '@nestjs/common';
import type { AgentOrder } from '@tickwire/contracts';
import { Allow, Caller } from '../../authentication/allow.js';
import type { Principal } from '../../authentication/principal.js';
import type { Page } from '../../listing/page.js';
import { AgentViews } from '../agent-views.js';
import { Agents } from '../agents.js';
import { commanderOf } from '../commander.js';

const OPEN: ReadonlySet<AgentOrder['status']> = new Set(['pending', 'open', 'partial']);

/** What an agent can still cancel, in the form of its ticks. */
@Controller('agents')
export class AgentOrdersController {
  constructor(
    @Inject(Agents) private readonly agents: Agents,
    @Inject(AgentViews) private readonly views: AgentViews,
  ) {}

  /**
   * Newest first, as of the agent's newest tick. All at once: an agent has at most 200. A callback brings the newest 60.
   * Empty before the first tick.
   */
  @Get(':id/orders')
  @Allow('read', 'agent')
  async list(@Caller() caller: Principal, @Param('id') id: string): Promise<Page<AgentOrder>> {
    const { agentId } = await this.agents.find(commanderOf(caller, id).tenantId, id);
    const view = await this.views.latest(agentId);
    return { data: (view?.orders ?? []).filter(({ status }) => OPEN.has(status)), nextCursor: null };
  }
}
