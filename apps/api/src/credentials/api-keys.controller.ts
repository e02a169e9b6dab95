import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, Caller, TenantId } from '../authentication/allow.js';
import type { Principal } from '../authentication/principal.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { ApiKeys, requireScopesOf, type ApiKeyFacts, type NewlyMadeKey } from './api-keys.js';
import { NewApiKey } from './credential-requests.js';

@Controller('api-keys')
@Allow('manage')
export class ApiKeysController {
  constructor(@Inject(ApiKeys) private readonly apiKeys: ApiKeys) {}

  @Post()
  create(@By() by: Author, @Caller() caller: Principal, @Body() body: NewApiKey): Promise<NewlyMadeKey> {
    requireScopesOf(caller, body.scopes);
    return this.apiKeys.create(by, body);
  }

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<ApiKeyFacts>> {
    return this.apiKeys.list(tenantId, query);
  }

  /** Also the key that asks: it is then the last thing it does. */
  @Delete(':id')
  @HttpCode(204)
  revoke(@By() by: Author, @Param('id') id: string): Promise<void> {
    return this.apiKeys.revoke(by, id);
  }
}
