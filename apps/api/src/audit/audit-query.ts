import { IsOptional, IsString, Length } from 'class-validator';
import { ListQuery } from '../listing/list-query.js';

/** `GET /api/v1/audit-logs`. */
export class AuditQuery extends ListQuery {
  /** Only this action: `bot.created`. */
  @IsOptional() @IsString() @Length(1, 64) action?: string;
  /** Only changes of what has this id. */
  @IsOptional() @IsString() @Length(1, 64) subject?: string;
}

/** `GET /api/v1/admin/audit-logs`. */
export class AdminAuditQuery extends AuditQuery {
  /** Absent: what operators have changed that belongs to no tenant. */
  @IsOptional() @IsString() @Length(1, 64) tenantId?: string;
}
