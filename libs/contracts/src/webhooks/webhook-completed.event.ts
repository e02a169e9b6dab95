import { IsBoolean, IsIn, IsOptional, IsString, Length, Matches, MaxLength } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { INSTANT, SIGNAL_ID, UNSIGNED_DECIMAL, UUID } from '../formats.js';
import sample from './webhook-completed.sample.json' with { type: 'json' };

export const COMPLETION_OUTCOMES = ['cancelled', 'expired', 'partially_filled', 'done'] as const;

/** `webhook.completed`: the signal's order ended other than by a last fill. The last event of its signal. */
export class WebhookCompleted {
  @Matches(UUID) webhookId!: string;
  @IsString() @Length(1, 64) tenantId!: string;
  @IsString() @Length(1, 64) accountId!: string;
  @Matches(SIGNAL_ID) signalId!: string;
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
  @Matches(UUID) orderId!: string;
  @IsIn(COMPLETION_OUTCOMES) outcome!: (typeof COMPLETION_OUTCOMES)[number];
  @Matches(UNSIGNED_DECIMAL) cumQty!: string;
  /** What was given up. */
  @Matches(UNSIGNED_DECIMAL) cancelledQty!: string;
  @IsString() @MaxLength(512) reason!: string;
  @IsBoolean() final!: boolean;
  @Matches(INSTANT) completedAt!: string;
}

export const webhookCompleted = defineEvent<WebhookCompleted>({
  type: 'webhook.completed',
  version: 1,
  summary: 'The order of the signal ended other than by a last fill.',
  payload: WebhookCompleted,
  key: (data) => data.accountId,
  keyedBy: 'accountId',
  producers: ['execution'],
  consumers: ['notifier', 'api'],
  sample: sample as WebhookCompleted,
});
