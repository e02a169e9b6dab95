import { MAX_BURST, MAX_PER_MINUTE } from '@tickwire/throttle';
import { Type } from 'class-transformer';
import { IsIn, IsInt, IsObject, IsOptional, IsString, Length, Max, Min, ValidateNested } from 'class-validator';

/** Requests a minute, and how many may come at once; absent: the platform's defaults. */
export class TenantLimits {
  @IsOptional() @IsInt() @Min(1) @Max(MAX_PER_MINUTE) tenantPerMinute?: number;
  @IsOptional() @IsInt() @Min(1) @Max(MAX_PER_MINUTE) botPerMinute?: number;
  @IsOptional() @IsInt() @Min(1) @Max(MAX_PER_MINUTE) accountPerMinute?: number;
  @IsOptional() @IsInt() @Min(1) @Max(MAX_BURST) burst?: number;
}

export class TenantSettingsRequest {
  /** Whether the validator refuses on account rules, or only annotates them. */
  @IsOptional() @IsIn(['annotate', 'enforce']) precheck?: 'annotate' | 'enforce';
  @IsOptional() @IsObject() @ValidateNested() @Type(() => TenantLimits) limits?: TenantLimits;
}

/** `POST /api/v1/admin/tenants`. */
export class NewTenant {
  @IsString() @Length(1, 128) name!: string;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => TenantSettingsRequest) settings?: TenantSettingsRequest;
}

export const TENANT_STATUSES = ['active', 'suspended'] as const;

/** What operators set for a tenant; all else is its own, under `/api/v1/settings`. */
export class OperatorSettings {
  /** Merged with the present ones; null brings a default back. */
  @IsOptional() @IsObject() @ValidateNested() @Type(() => TenantLimits) limits?: TenantLimits | null;
}

/** `PATCH /api/v1/admin/tenants/{id}`: what is absent stays. */
export class TenantChange {
  /** `suspended`: its credentials open nothing, and its signals are refused. */
  @IsOptional() @IsIn(TENANT_STATUSES) status?: (typeof TENANT_STATUSES)[number];
  @IsOptional() @IsObject() @ValidateNested() @Type(() => OperatorSettings) settings?: OperatorSettings;
}

/** `POST /api/v1/admin/tenants/{id}/api-keys`. */
export class BootstrapKey {
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  @IsOptional() @IsIn(['live', 'test']) kind?: 'live' | 'test';
}
