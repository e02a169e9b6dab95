import { Body, Controller, Get, HttpCode, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, Caller, TenantId } from '../authentication/allow.js';
import type { Principal } from '../authentication/principal.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { AgentCommands, type CommandAccepted } from './agent-commands.js';
import { AgentChange, AgentKeyRotation, AgentSecretRotation, NewAgent } from './agent-requests.js';
import { AgentViews, type AgentView, type DeliveryCounters, type Inbox } from './agent-views.js';
import {
  Agents,
  type AgentListing,
  type NewlyMadeAgent,
  type RotatedAgentKey,
  type RotatedAgentSecret,
} from './agents.js';
import { commanderOf } from './commander.js';

/** A tenant's agents; an agent with its own key sees itself and nobody else. */
@Controller('agents')
export class AgentsController {
  constructor(
    @Inject(Agents) private readonly agents: Agents,
    @Inject(AgentViews) private readonly views: AgentViews,
    @Inject(AgentCommands) private readonly commands: AgentCommands,
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

  @Patch(':id')
  @Allow('manage')
  change(@By() by: Author, @Param('id') id: string, @Body() body: AgentChange): Promise<AgentListing> {
    return this.agents.change(by, id, body);
  }

  @Post(':id/rotate')
  @Allow('manage')
  rotate(@By() by: Author, @Param('id') id: string, @Body() body: AgentSecretRotation): Promise<RotatedAgentSecret> {
    return this.agents.rotate(by, id, body);
  }

  /** Of the key that the agent itself calls with. */
  @Post(':id/rotate-key')
  @Allow('manage')
  rotateKey(@By() by: Author, @Param('id') id: string, @Body() body: AgentKeyRotation): Promise<RotatedAgentKey> {
    return this.agents.rotateKey(by, id, body);
  }

  /** Sends the agent its newest tick once more, marked as a test. */
  @Post(':id/test')
  @HttpCode(202)
  @Allow('manage', 'agent')
  test(@Caller() caller: Principal, @Param('id') id: string): Promise<CommandAccepted> {
    return this.commands.send(commanderOf(caller, id), id, 'test-tick');
  }

  /** At most six an hour take effect. */
  @Post(':id/breaker/reset')
  @HttpCode(202)
  @Allow('manage', 'agent')
  resetBreaker(@Caller() caller: Principal, @Param('id') id: string): Promise<CommandAccepted> {
    return this.commands.send(commanderOf(caller, id), id, 'reset-breaker');
  }

  private async visible(caller: Principal, id: string): Promise<AgentListing> {
    return this.agents.find(commanderOf(caller, id).tenantId, id);
  }
}
