import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { Leaderboard, type LeaderboardEntry } from '../agents/leaderboard.js';
import { Allow } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { Worlds } from './worlds.js';

/** The ranking of a world. Like prices it is the same for everybody in it, and names agents as the world's news do. */
@Controller('worlds')
export class LeaderboardController {
  constructor(
    @Inject(Worlds) private readonly worlds: Worlds,
    @Inject(Leaderboard) private readonly leaderboard: Leaderboard,
  ) {}

  /** Best first. */
  @Get(':id/leaderboard')
  @Allow('read', 'agent')
  async list(@Param('id') id: string, @Query() query: ListQuery): Promise<Page<LeaderboardEntry>> {
    const world = await this.worlds.find(id);
    return this.leaderboard.list(world.id, query);
  }
}
