import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import type { WorldFacts } from '@tickwire/contracts';
import { Agents, type AgentListing } from '../agents/agents.js';
import { Allow, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { WorldViews, type Instrument } from './world-views.js';
import { Worlds } from './worlds.js';

interface WorldAnswer {
  id: string;
  name: string;
  status: string;
  tickMs: number;
  companies: number;
  createdAt: Date;
  /** null before the first tick. */
  state: (WorldFacts & { indices: { name: string; value: number; change: number }[] }) | null;
}

/** Markets as tenants and agents see them. The seed stays with the operators: it foretells prices. */
@Controller('worlds')
@Allow('read', 'agent')
export class WorldsController {
  constructor(
    @Inject(Worlds) private readonly worlds: Worlds,
    @Inject(WorldViews) private readonly views: WorldViews,
    @Inject(Agents) private readonly agents: Agents,
  ) {}

  @Get(':id')
  async find(@Param('id') id: string): Promise<WorldAnswer> {
    const { name, status, settings, createdAt } = await this.worlds.find(id);
    const view = await this.views.latest(id);
    const state = view === undefined ? null : { ...view.world, indices: view.market.indices };
    return { id, name, status, tickMs: settings.tickMs, companies: settings.companies, createdAt, state };
  }

  /** All at once: a world has at most 500. Empty before the first tick. */
  @Get(':id/instruments')
  async instruments(@Param('id') id: string): Promise<Page<Instrument>> {
    const world = await this.worlds.find(id);
    return { data: await this.views.instruments(world.id), nextCursor: null };
  }

  /** The caller's own agents in the world. */
  @Get(':id/agents')
  async listAgents(
    @TenantId() tenantId: string,
    @Param('id') id: string,
    @Query() query: ListQuery,
  ): Promise<Page<AgentListing>> {
    const world = await this.worlds.find(id);
    return this.agents.list(tenantId, world.id, query);
  }
}
