import { Allow, IsOptional, IsString, Length } from 'class-validator';

/**
 * `POST /api/v1/jwt-issuers`. All but `botId` may be anything here: `checkIssuer` judges it, by the same rules by which
 * the door believes tokens.
 */
export class NewJwtIssuer {
  /** The `iss` of its tokens. */
  @Allow() issuer?: unknown;
  /** The `aud` of its tokens. */
  @Allow() audience?: unknown;
  /** The bot that its tokens speak for; absent: the tenant. */
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
  /** Where its public keys are published. */
  @Allow() jwksUrl?: unknown;
  /** Its public keys (JWK). */
  @Allow() keys?: unknown;
  /** For HS256: the text whose UTF-8 bytes are the key, at least 32. */
  @Allow() secret?: unknown;
}
