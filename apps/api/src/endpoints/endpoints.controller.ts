import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { Deliveries, type Delivery } from './deliveries.js';
import { EndpointChange, NewEndpoint } from './endpoint-requests.js';
import { Endpoints, type Endpoint, type NewlyMadeEndpoint } from './endpoints.js';

@Controller('webhook-endpoints')
export class EndpointsController {
  constructor(
    @Inject(Endpoints) private readonly endpoints: Endpoints,
    @Inject(Deliveries) private readonly deliveries: Deliveries,
  ) {}

  @Post()
  @Allow('manage')
  create(@By() by: Author, @Body() body: NewEndpoint): Promise<NewlyMadeEndpoint> {
    return this.endpoints.create(by, body);
  }

  @Get()
  @Allow('read')
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<Endpoint>> {
    return this.endpoints.list(tenantId, query);
  }

  @Get(':id')
  @Allow('read')
  find(@TenantId() tenantId: string, @Param('id') id: string): Promise<Endpoint> {
    return this.endpoints.find(tenantId, id);
  }

  @Patch(':id')
  @Allow('manage')
  change(@By() by: Author, @Param('id') id: string, @Body() body: EndpointChange): Promise<Endpoint> {
    return this.endpoints.change(by, id, body);
  }

  @Delete(':id')
  @HttpCode(204)
  @Allow('manage')
  remove(@By() by: Author, @Param('id') id: string): Promise<void> {
    return this.endpoints.remove(by, id);
  }

  @Get(':id/deliveries')
  @Allow('read')
  async listDeliveries(
    @TenantId() tenantId: string,
    @Param('id') id: string,
    @Query() query: ListQuery,
  ): Promise<Page<Delivery>> {
    const endpoint = await this.endpoints.find(tenantId, id);
    return this.deliveries.list(tenantId, endpoint.id, query);
  }
}
