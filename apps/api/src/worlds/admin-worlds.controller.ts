import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Allow } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { NewWorld, WorldCommand } from './world-requests.js';
import { Worlds, type World } from './worlds.js';

/** Operators make worlds and hold their clocks. */
@Controller('admin/worlds')
@Allow('admin')
export class AdminWorldsController {
  constructor(@Inject(Worlds) private readonly worlds: Worlds) {}

  @Post()
  create(@Body() body: NewWorld): Promise<World> {
    return this.worlds.create(body);
  }

  @Get()
  list(@Query() query: ListQuery): Promise<Page<World>> {
    return this.worlds.list(query);
  }

  /** 202: the world obeys at its next tick. */
  @Post(':id/commands')
  @HttpCode(202)
  command(@Param('id') id: string, @Body() body: WorldCommand): Promise<World> {
    return this.worlds.command(id, body);
  }
}
