import { Controller, Get, Inject, Query } from '@nestjs/common';
import { Allow } from '../authentication/allow.js';
import type { Page } from '../listing/page.js';
import { AdminAuditQuery } from './audit-query.js';
import { Audit, type AuditEntry } from './audit.js';
import { PLATFORM } from './author.js';

/** The same for operators: of one tenant, or of what belongs to none. */
@Controller('admin/audit-logs')
@Allow('admin')
export class AdminAuditController {
  constructor(@Inject(Audit) private readonly audit: Audit) {}

  @Get()
  list(@Query() query: AdminAuditQuery): Promise<Page<AuditEntry>> {
    return this.audit.list(query.tenantId ?? PLATFORM, query);
  }
}
