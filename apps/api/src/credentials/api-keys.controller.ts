import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { Allow, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { ApiKeys, type ApiKeyFacts, type NewlyMadeKey } from './api-keys.js';
import { NewApiKey } from './credential-requests.js';

@Controller('api-keys')
@Allow('manage')
export class ApiKeysController {
  constructor(@Inject(ApiKeys) private readonly apiKeys: ApiKeys) {}

  @Post()
  create(@TenantId() tenantId: string, @Body() body: NewApiKey): Promise<NewlyMadeKey> {
    return this.apiKeys.create(tenantId, body);
  }

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<ApiKeyFacts>> {
    return this.apiKeys.list(tenantId, query);
  }

  @Delete(':id')
  @HttpCode(204)
  revoke(@TenantId() tenantId: string, @Param('id') id: string): Promise<void> {
    return this.apiKeys.revoke(tenantId, id);
  }
}
