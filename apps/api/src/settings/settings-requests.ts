import { SIGNAL_SCHEMES, type SUSPICIOUS_PATTERNS } from '@tickwire/contracts';
import { SUSPICION_POLICIES, type SuspicionPolicy } from '@tickwire/throttle';
import { Type } from 'class-transformer';
import {
  Allow,
  ArrayMinSize,
  ArrayUnique,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';

type SignalScheme = (typeof SIGNAL_SCHEMES)[number];
type Pattern = (typeof SUSPICIOUS_PATTERNS)[number];

/** The schemes that sign a time. The bounds are the door's: claims have to outlive the widest window. */
const MIN_TOLERANCE_MS = 5_000;
const MAX_TOLERANCE_MS = 300_000;

/** How far a signed time may lie off, ms, by scheme; null: the door's default. */
export class ToleranceChange {
  @IsOptional() @IsInt() @Min(MIN_TOLERANCE_MS) @Max(MAX_TOLERANCE_MS) 'standard-webhooks'?: number | null;
  @IsOptional() @IsInt() @Min(MIN_TOLERANCE_MS) @Max(MAX_TOLERANCE_MS) 'timestamped-hex'?: number | null;
  @IsOptional() @IsInt() @Min(MIN_TOLERANCE_MS) @Max(MAX_TOLERANCE_MS) 'body-hex'?: number | null;
}

/** What follows a pattern; null: it is only told. */
export class SuspicionPolicyChange implements Partial<Record<Pattern, SuspicionPolicy | null>> {
  @IsOptional() @IsIn(SUSPICION_POLICIES) signature_failure_storm?: SuspicionPolicy | null;
  @IsOptional() @IsIn(SUSPICION_POLICIES) replay_storm?: SuspicionPolicy | null;
  @IsOptional() @IsIn(SUSPICION_POLICIES) wrong_clock?: SuspicionPolicy | null;
}

/** `PATCH /api/v1/settings`: what is absent stays, null brings the default back. */
export class SettingsChange {
  /** Whether the validator refuses on account rules, or only annotates them. */
  @IsOptional() @IsIn(['annotate', 'enforce']) precheck?: 'annotate' | 'enforce' | null;
  /** The ways in that are open; never none. */
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayUnique()
  @IsIn(SIGNAL_SCHEMES, { each: true })
  schemes?: SignalScheme[] | null;
  @IsOptional() @IsObject() @ValidateNested() @Type(() => ToleranceChange) toleranceMs?: ToleranceChange | null;
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => SuspicionPolicyChange)
  suspicion?: SuspicionPolicyChange | null;
  /** Shown beside the others, but for operators to change: refused with a better answer than an unknown field gets. */
  @Allow() limits?: unknown;
}
