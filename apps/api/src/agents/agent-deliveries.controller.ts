import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { Allow, Caller } from '../authentication/allow.js';
import type { Principal } from '../authentication/principal.js';
import type { Page } from '../listing/page.js';
import { AgentDeliveries, AgentDeliveriesQuery, type LoggedDelivery } from './agent-deliveries.js';
import { Agents } from './agents.js';
import { commanderOf } from './commander.js';

/** The log of an agent's settled callbacks, for its tenant and for itself. */
@Controller('agents')
export class AgentDeliveriesController {
  constructor(
    @Inject(Agents) private readonly agents: Agents,
    @Inject(AgentDeliveries) private readonly deliveries: AgentDeliveries,
  ) {}

  @Get(':id/deliveries')
  @Allow('read', 'agent')
  async list(
    @Caller() caller: Principal,
    @Param('id') id: string,
    @Query() query: AgentDeliveriesQuery,
  ): Promise<Page<LoggedDelivery>> {
    const { agentId } = await this.agents.find(commanderOf(caller, id).tenantId, id);
    return this.deliveries.list(agentId, query);
  }
}
