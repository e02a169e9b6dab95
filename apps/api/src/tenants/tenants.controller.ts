import { Body, Controller, Get, Inject, Param, Post, Query } from '@nestjs/common';
import { Allow } from '../authentication/allow.js';
import { SCOPES } from '../authentication/principal.js';
import { ApiKeys, type NewlyMadeKey } from '../credentials/api-keys.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { BootstrapKey, NewTenant } from './tenant-requests.js';
import { Tenants, type Tenant } from './tenants.js';

/** Operators make tenants, and each tenant's first key; everything else tenants do themselves with it. */
@Controller('admin/tenants')
@Allow('admin')
export class TenantsController {
  constructor(
    @Inject(Tenants) private readonly tenants: Tenants,
    @Inject(ApiKeys) private readonly apiKeys: ApiKeys,
  ) {}

  @Post()
  create(@Body() body: NewTenant): Promise<Tenant> {
    return this.tenants.create(body);
  }

  @Get()
  list(@Query() query: ListQuery): Promise<Page<Tenant>> {
    return this.tenants.list(query);
  }

  @Get(':id')
  find(@Param('id') id: string): Promise<Tenant> {
    return this.tenants.find(id);
  }

  /** The key is in this answer and nowhere else. */
  @Post(':id/api-keys')
  async createKey(@Param('id') id: string, @Body() body: BootstrapKey): Promise<NewlyMadeKey> {
    const tenant = await this.tenants.find(id);
    return this.apiKeys.create(tenant.id, {
      name: body.name ?? 'bootstrap',
      mode: body.mode ?? 'live',
      scopes: [...SCOPES],
    });
  }
}
