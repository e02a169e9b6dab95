import { Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
  ValidateNested,
} from 'class-validator';
import { defineEvent } from '../define-event.js';
import { CODE, INSTANT, SIGNAL_ID, UUID } from '../formats.js';
import sample from './webhook-failed.sample.json' with { type: 'json' };

/** One field that was wrong. */
export class FieldProblem {
  /** JSON pointer into the request, `/quantity`. */
  @IsString() @MaxLength(256) pointer!: string;
  @Matches(CODE) code!: string;
  @IsString() @MaxLength(512) detail!: string;
}

export const FAILURE_STAGES = ['ingress', 'validator', 'execution'] as const;

/** `webhook.failed`: refused, and nothing traded. The last event of its signal. */
export class WebhookFailed {
  @Matches(UUID) webhookId!: string;
  @IsString() @Length(1, 64) tenantId!: string;
  /** Absent where the request was too malformed to tell. */
  @IsOptional() @IsString() @Length(1, 128) accountId?: string;
  @IsOptional() @Matches(SIGNAL_ID) signalId?: string;
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
  @IsIn(FAILURE_STAGES) stage!: (typeof FAILURE_STAGES)[number];
  /** Stable; the catalogue is in the guide. */
  @Matches(CODE) code!: string;
  @IsString() @MaxLength(1024) message!: string;
  /** False when the request was answered 422: it never became a signal. */
  @IsBoolean() accepted!: boolean;
  @IsOptional() @IsArray() @ValidateNested({ each: true }) @Type(() => FieldProblem) errors?: FieldProblem[];
  @IsBoolean() final!: boolean;
  @Matches(INSTANT) failedAt!: string;
}

export const webhookFailed = defineEvent<WebhookFailed>({
  type: 'webhook.failed',
  version: 1,
  summary: 'The signal was refused; nothing traded.',
  payload: WebhookFailed,
  key: (data) => data.accountId ?? data.tenantId,
  keyedBy: 'accountId (tenantId where there is no account)',
  producers: ['ingress', 'validator', 'execution'],
  consumers: ['notifier', 'api'],
  sample: sample as WebhookFailed,
});
