import {
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsISO8601,
  IsOptional,
  IsString,
  Length,
  Max,
  Min,
} from 'class-validator';
import { SCOPES, type Scope } from '../authentication/principal.js';

/** `POST /api/v1/api-keys`. */
export class NewApiKey {
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  @IsOptional() @IsIn(['live', 'test']) kind?: 'live' | 'test';
  @IsArray() @ArrayMinSize(1) @ArrayUnique() @IsIn(SCOPES, { each: true }) scopes!: Scope[];
  /** ISO 8601, in the future. Absent: it does not expire. */
  @IsOptional() @IsISO8601({ strict: true, strictSeparator: true }) expiresAt?: string;
}

/** `POST /api/v1/signing-secrets`. */
export class NewSigningSecret {
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  /** Absent: the secret is the tenant's, good for all its bots that have none of their own. */
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
}

/** `POST /api/v1/signing-secrets/{id}/rotate`. */
export class SecretRotation {
  /** How long the old secret stays good beside the new one, s; 0: not at all. */
  @IsOptional() @IsInt() @Min(0) @Max(604_800) overlapSeconds?: number;
}
