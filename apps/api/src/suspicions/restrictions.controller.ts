import { Controller, Delete, Get, HttpCode, Inject, Param, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { Restrictions, type Restriction } from './restrictions.js';

@Controller('restrictions')
@Allow('manage')
export class RestrictionsController {
  constructor(@Inject(Restrictions) private readonly restrictions: Restrictions) {}

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<Restriction>> {
    return this.restrictions.list(tenantId, query);
  }

  /** Releases its suspect. */
  @Delete(':id')
  @HttpCode(204)
  release(@By() by: Author, @Param('id') id: string): Promise<void> {
    return this.restrictions.release(by, id);
  }
}
