import { Body, Controller, Get, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { BotChange, NewBot } from './bot-requests.js';
import { Bots, type Bot } from './bots.js';

@Controller('bots')
export class BotsController {
  constructor(@Inject(Bots) private readonly bots: Bots) {}

  @Post()
  @Allow('manage')
  create(@By() by: Author, @Body() body: NewBot): Promise<Bot> {
    return this.bots.create(by, body);
  }

  @Get()
  @Allow('read')
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<Bot>> {
    return this.bots.list(tenantId, query);
  }

  @Patch(':id')
  @Allow('manage')
  change(@By() by: Author, @Param('id') id: string, @Body() body: BotChange): Promise<Bot> {
    return this.bots.change(by, id, body);
  }
}
