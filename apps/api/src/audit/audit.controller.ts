import { Controller, Get, Inject, Query } from '@nestjs/common';
import { Allow, TenantId } from '../authentication/allow.js';
import type { Page } from '../listing/page.js';
import { AuditQuery } from './audit-query.js';
import { Audit, type AuditEntry } from './audit.js';

/** What was changed for a tenant, by itself, by operators and by its own policy. */
@Controller('audit-logs')
@Allow('manage')
export class AuditController {
  constructor(@Inject(Audit) private readonly audit: Audit) {}

  @Get()
  list(@TenantId() tenantId: string, @Query() query: AuditQuery): Promise<Page<AuditEntry>> {
    return this.audit.list(tenantId, query);
  }
}
