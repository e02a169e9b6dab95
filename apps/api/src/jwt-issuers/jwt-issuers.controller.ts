import { Body, Controller, Delete, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { NewJwtIssuer } from './jwt-issuer-requests.js';
import { JwtIssuers, type JwtIssuerFacts } from './jwt-issuers.js';

@Controller('jwt-issuers')
@Allow('manage')
export class JwtIssuersController {
  constructor(@Inject(JwtIssuers) private readonly issuers: JwtIssuers) {}

  @Post()
  create(@By() by: Author, @Body() body: NewJwtIssuer): Promise<JwtIssuerFacts> {
    return this.issuers.create(by, body);
  }

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<JwtIssuerFacts>> {
    return this.issuers.list(tenantId, query);
  }

  @Delete(':id')
  @HttpCode(204)
  revoke(@By() by: Author, @Param('id') id: string): Promise<void> {
    return this.issuers.revoke(by, id);
  }
}
