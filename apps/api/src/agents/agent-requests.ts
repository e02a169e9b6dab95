import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';

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
