import { Body, Controller, Get, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow } from '../authentication/allow.js';
import { SCOPES } from '../authentication/principal.js';
import { ApiKeys, type NewlyMadeKey } from '../credentials/api-keys.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { BootstrapKey, NewTenant, TenantChange } from './tenant-requests.js';
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

  /** Of its settings, those that are for operators to choose. */
  @Patch(':id')
  change(@Param('id') id: string, @Body() { status, settings }: TenantChange): Promise<Tenant> {
    const by: Author = { tenantId: id, actor: 'admin' };
    return this.tenants.change(by, 'tenant.changed', { status, settings });
  }

  /** The key is in this answer and nowhere else. */
  @Post(':id/api-keys')
  async createKey(@Param('id') id: string, @Body() body: BootstrapKey): Promise<NewlyMadeKey> {
    const tenant = await this.tenants.find(id);
    const by: Author = { tenantId: tenant.id, actor: 'admin' };
    const { name, kind } = body;
    return this.apiKeys.create(by, { name: name ?? 'bootstrap', kind: kind ?? 'live', scopes: [...SCOPES] });
  }
}
