import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { DECIMAL, INSTANT, SIGNAL_ID, SYMBOL, UUID } from '../formats.js';
import sample from './webhook-received.sample.json' with { type: 'json' };
import { ORDER_TYPES, SIGNAL_ACTIONS } from './signal-request.js';

/** The ways in. */
export const SIGNAL_SCHEMES = ['standard-webhooks', 'timestamped-hex', 'body-hex', 'api-key', 'jwt', 'alert'] as const;

/** `webhook.received`: an authentic, well-formed signal for an account that exists. It has been answered 202. */
export class WebhookReceived {
  /** The id of this event: the same for every retry of the signal. */
  @Matches(UUID) webhookId!: string;
  @IsString() @Length(1, 64) tenantId!: string;
  @IsString() @Length(1, 64) accountId!: string;
  @Matches(SIGNAL_ID) signalId!: string;
  @Matches(SYMBOL) symbol!: string;
  @IsIn(SIGNAL_ACTIONS) action!: (typeof SIGNAL_ACTIONS)[number];
  /** Decimal string, as many digits as the sender gave. */
  @Matches(DECIMAL) quantity!: string;
  @IsIn(ORDER_TYPES) orderType!: (typeof ORDER_TYPES)[number];
  @IsOptional() @Matches(DECIMAL) price?: string;
  @IsOptional() @Matches(DECIMAL) stopLoss?: string;
  @IsOptional() @Matches(DECIMAL) takeProfit?: string;
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
  @IsOptional() @IsString() @Length(1, 128) strategyName?: string;
  /** The sender's own time, as it was written. */
  @IsOptional() @IsString() @Length(1, 40) timestamp?: string;
  @Matches(INSTANT) receivedAt!: string;
  /** How it proved itself. */
  @IsIn(SIGNAL_SCHEMES) scheme!: (typeof SIGNAL_SCHEMES)[number];
}

export const webhookReceived = defineEvent<WebhookReceived>({
  type: 'webhook.received',
  version: 1,
  summary: 'A signed signal was taken in durably and answered 202.',
  payload: WebhookReceived,
  key: (data) => data.accountId,
  keyedBy: 'accountId',
  producers: ['ingress'],
  consumers: ['validator', 'notifier', 'api'],
  sample: sample as WebhookReceived,
});
