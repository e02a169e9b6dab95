import { Controller, Get, Inject, Query } from '@nestjs/common';
import { Allow, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { Suspicions, type Suspicion } from './suspicions.js';

@Controller('suspicions')
@Allow('manage')
export class SuspicionsController {
  constructor(@Inject(Suspicions) private readonly suspicions: Suspicions) {}

  @Get()
  list(@TenantId() tenantId: string, @Query() query: ListQuery): Promise<Page<Suspicion>> {
    return this.suspicions.list(tenantId, query);
  }
}
