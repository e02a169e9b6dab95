import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';

/** What an agent may be in its world; the world gives each role its capital and leverage. */
export const AGENT_ROLES = [
  'hedge_fund_manager',
  'quant',
  'ceo',
  'investment_banker',
  'influencer',
  'sec_investigator',
  'financial_journalist',
  'whistleblower',
  'retail_trader',
] as const;

/** `POST /api/v1/agents`. */
export class NewAgent {
  @IsString() @Length(1, 64) worldId!: string;
  @IsString() @Length(1, 128) name!: string;
  @IsIn(AGENT_ROLES) role!: (typeof AGENT_ROLES)[number];
  /** Where its ticks are sent. Absent: nowhere; it reads its inbox. */
  @IsOptional() @IsString() @Length(1, 2_048) callbackUrl?: string | null;
  /** The key of its ticks' signatures. Absent: one is generated; null: ticks are not signed. */
  @IsOptional() @IsString() @Length(16, 256) @Matches(/^[\x21-\x7e]+$/) webhookSecret?: string | null;
}

/** What an agent's owner chooses for its callbacks; null brings the default back. */
export class AgentSettingsChange {
  /** Sign each callback under the names of other systems as well: `X-Webhook-Signature`, `X-WSS-Signature`. Default false. */
  @IsOptional() @IsBoolean() compatibilityHeaders?: boolean | null;
}

/** `PATCH /api/v1/agents/{id}`: what is absent stays. */
export class AgentChange {
  /** While it is paused its ticks are skipped, and their results, messages and alerts are kept for it. */
  @IsOptional() @IsIn(['active', 'paused']) status?: 'active' | 'paused';
  /** Where its ticks are sent from now on; null: nowhere. */
  @IsOptional() @IsString() @Length(1, 2_048) callbackUrl?: string | null;
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => AgentSettingsChange)
  settings?: AgentSettingsChange;
}

/** `POST /api/v1/agents/{id}/rotate`. */
export class AgentSecretRotation {
  /** How long ticks carry the old secret's signature as well, s; 0: not at all. Absent: a day. */
  @IsOptional() @IsInt() @Min(0) @Max(604_800) overlapSeconds?: number;
}

/** `POST /api/v1/agents/{id}/rotate-key`. */
export class AgentKeyRotation {
  /** How long the keys before go on, s; 0: they end at once. Absent: 0. */
  @IsOptional() @IsInt() @Min(0) @Max(604_800) overlapSeconds?: number;
}
