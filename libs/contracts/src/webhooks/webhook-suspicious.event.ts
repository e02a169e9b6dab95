import { Type } from 'class-transformer';
import {
  IsDefined,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  IsString,
  Length,
  Matches,
  Min,
  ValidateNested,
} from 'class-validator';
import { defineEvent } from '../define-event.js';
import { INSTANT, UUID } from '../formats.js';
import sample from './webhook-suspicious.sample.json' with { type: 'json' };

export const SUSPICIOUS_PATTERNS = ['signature_failure_storm', 'replay_storm', 'wrong_clock'] as const;
export const SUSPECT_KINDS = ['tenant', 'bot', 'source', 'nonce'] as const;

/** Whom it is about. */
export class Suspect {
  /** `source` is a network address as this tenant sees it. */
  @IsIn(SUSPECT_KINDS) kind!: (typeof SUSPECT_KINDS)[number];
  /** Of the bot, address or nonce; the tenant's own for `tenant`. */
  @IsString() @Length(1, 255) id!: string;
}

/** What was counted. Times are ISO 8601; spans are ms. */
export class SuspicionEvidence {
  @IsInt() @Min(1) count!: number;
  @IsInt() @Min(0) windowMs!: number;
  @Matches(INSTANT) firstAt!: string;
  @Matches(INSTANT) lastAt!: string;
  /** Storms: so many within the window make one. */
  @IsOptional() @IsInt() @Min(1) threshold?: number;
  /** Wrong clock: by how much the sender's clock is ahead (negative: behind), the median. */
  @IsOptional() @IsInt() skewMs?: number;
  /** Wrong clock: what is accepted either way. */
  @IsOptional() @IsInt() @Min(0) toleranceMs?: number;
}

/** `webhook.suspicious`: requests of a sender form a pattern that its tenant should look at. What follows is the tenant's policy. */
export class WebhookSuspicious {
  @Matches(UUID) suspicionId!: string;
  @IsString() @Length(1, 64) tenantId!: string;
  @IsIn(SUSPICIOUS_PATTERNS) pattern!: (typeof SUSPICIOUS_PATTERNS)[number];
  @IsDefined() @IsObject() @ValidateNested() @Type(() => Suspect) suspect!: Suspect;
  @IsDefined() @IsObject() @ValidateNested() @Type(() => SuspicionEvidence) evidence!: SuspicionEvidence;
  @Matches(INSTANT) detectedAt!: string;
}

export const webhookSuspicious = defineEvent<WebhookSuspicious>({
  type: 'webhook.suspicious',
  version: 1,
  summary: 'A pattern in the requests of a sender: failed signatures, replays, a wrong clock.',
  payload: WebhookSuspicious,
  key: (data) => data.tenantId,
  keyedBy: 'tenantId',
  producers: ['ingress'],
  consumers: ['notifier', 'api'],
  sample: sample as WebhookSuspicious,
});
