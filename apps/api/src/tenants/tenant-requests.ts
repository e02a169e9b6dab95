import { Type } from 'class-transformer';
import { IsIn, IsInt, IsOptional, IsString, Length, Max, Min, ValidateNested } from 'class-validator';

/** Requests a minute, and how many may come at once; absent: the platform's defaults. */
export class TenantLimits {
  @IsOptional() @IsInt() @Min(1) @Max(1_000_000) tenantPerMinute?: number;
  @IsOptional() @IsInt() @Min(1) @Max(1_000_000) botPerMinute?: number;
  @IsOptional() @IsInt() @Min(1) @Max(1_000_000) accountPerMinute?: number;
  @IsOptional() @IsInt() @Min(1) @Max(1_000_000) burst?: number;
}

export class TenantSettingsRequest {
  /** Whether the validator refuses on account rules, or only annotates them. */
  @IsOptional() @IsIn(['annotate', 'enforce']) precheck?: 'annotate' | 'enforce';
  @IsOptional() @ValidateNested() @Type(() => TenantLimits) limits?: TenantLimits;
}

/** `POST /api/v1/admin/tenants`. */
export class NewTenant {
  @IsString() @Length(1, 128) name!: string;
  @IsOptional() @ValidateNested() @Type(() => TenantSettingsRequest) settings?: TenantSettingsRequest;
}

/** `POST /api/v1/admin/tenants/{id}/api-keys`. */
export class BootstrapKey {
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  @IsOptional() @IsIn(['live', 'test']) mode?: 'live' | 'test';
}
