import { ArrayMinSize, ArrayUnique, IsArray, IsIn, IsISO8601, IsOptional, IsString, Length } from 'class-validator';
import { SCOPES, type Scope } from '../authentication/principal.js';

/** `POST /api/v1/api-keys`. */
export class NewApiKey {
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  @IsOptional() @IsIn(['live', 'test']) mode?: 'live' | 'test';
  @IsArray() @ArrayMinSize(1) @ArrayUnique() @IsIn(SCOPES, { each: true }) scopes!: Scope[];
  /** ISO 8601, in the future. Absent: it does not expire. */
  @IsOptional() @IsISO8601({ strict: true, strictSeparator: true }) expiresAt?: string;
}

/** `POST /api/v1/signing-secrets`. */
export class NewSigningSecret {
  /** Absent: the secret is the tenant's, good for all its bots that have none of their own. */
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
}
