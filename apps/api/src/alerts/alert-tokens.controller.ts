import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { AlertTokenChange, NewAlertToken } from './alert-token-requests.js';
import { AlertTokens, type AlertTokenFacts, type NewlyMadeAlertToken } from './alert-tokens.js';

@Controller('alert-tokens')
@Allow('manage')
export class AlertTokensController {
  constructor(@Inject(AlertTokens) private readonly tokens: AlertTokens) {}

  @Post()
  create(@By() by: Author, @Body() body: NewAlertToken): Promise<NewlyMadeAlertToken> {
    return this.tokens.create(by, body);
  }

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<AlertTokenFacts>> {
    return this.tokens.list(tenantId, query);
  }

  @Patch(':id')
  change(@By() by: Author, @Param('id') id: string, @Body() body: AlertTokenChange): Promise<AlertTokenFacts> {
    return this.tokens.change(by, id, body);
  }

  @Delete(':id')
  @HttpCode(204)
  revoke(@By() by: Author, @Param('id') id: string): Promise<void> {
    return this.tokens.revoke(by, id);
  }
}
