import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { ProblemError } from '@tickwire/problem-details';
import type { Author } from '../audit/author.js';
import { Allow, By, Caller, TenantId } from '../authentication/allow.js';
import type { Principal } from '../authentication/principal.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { NewAgent } from './agent-requests.js';
import { AgentViews, type AgentView, type DeliveryCounters, type Inbox } from './agent-views.js';
import { Agents, type AgentListing, type NewlyMadeAgent } from './agents.js';

/** A tenant's agents; an agent with its own key sees itself and nobody else. */
@Controller('agents')
export class AgentsController {
  constructor(
    @Inject(Agents) private readonly agents: Agents,
    @Inject(AgentViews) private readonly views: AgentViews,
  ) {}

  @Post()
  @Allow('manage')
  create(@By() by: Author, @Body() body: NewAgent): Promise<NewlyMadeAgent> {
    return this.agents.create(by, body);
  }

  @Get()
  @Allow('read')
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<AgentListing>> {
    return this.agents.list(tenantId, undefined, query);
  }

  /** `view` is null before the agent's first tick. */
  @Get(':id')
  @Allow('read', 'agent')
  async find(
    @Caller() caller: Principal,
    @Param('id') id: string,
  ): Promise<AgentListing & DeliveryCounters & { view: AgentView | null }> {
    const agent = await this.visible(caller, id);
    const [counters, view] = await Promise.all([this.views.counters(id), this.views.latest(id)]);
    return { ...agent, ...counters, view: view ?? null };
  }

  @Get(':id/inbox')
  @Allow('read', 'agent')
  async inbox(@Caller() caller: Principal, @Param('id') id: string): Promise<Inbox> {
    const { agentId } = await this.visible(caller, id);
    return this.views.inbox(agentId);
  }

  private async visible(caller: Principal, id: string): Promise<AgentListing> {
    if (caller.kind === 'agent' && caller.agentId !== id) {
      throw new ProblemError('NOT_FOUND', 'There is no such agent.');
    }
    if (caller.kind !== 'agent' && caller.kind !== 'tenant') {
      throw new ProblemError('FORBIDDEN', 'This credential belongs to no tenant.');
    }
    return this.agents.find(caller.tenantId, id);
  }
}
