import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { DECIMAL, INSTANT, SIGNAL_ID, SYMBOL, UUID } from '../formats.js';
import { ORDER_TYPES, SIGNAL_ACTIONS } from './signal-request.js';
import sample from './webhook-validated.sample.json' with { type: 'json' };

/** `webhook.validated`: the signal is well formed and allowed for its account. Quantities keep the instrument's digits. */
export class WebhookValidated {
  @Matches(UUID) webhookId!: string;
  @IsString() @Length(1, 64) tenantId!: string;
  @IsString() @Length(1, 64) accountId!: string;
  @Matches(SIGNAL_ID) signalId!: string;
  @Matches(SYMBOL) symbol!: string;
  @IsIn(SIGNAL_ACTIONS) action!: (typeof SIGNAL_ACTIONS)[number];
  @Matches(DECIMAL) quantity!: string;
  @IsIn(ORDER_TYPES) orderType!: (typeof ORDER_TYPES)[number];
  @IsOptional() @Matches(DECIMAL) price?: string;
  @IsOptional() @Matches(DECIMAL) stopLoss?: string;
  @IsOptional() @Matches(DECIMAL) takeProfit?: string;
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
  @IsOptional() @IsString() @Length(1, 128) strategyName?: string;
  @Matches(INSTANT) receivedAt!: string;
  @Matches(INSTANT) validatedAt!: string;
}

export const webhookValidated = defineEvent<WebhookValidated>({
  type: 'webhook.validated',
  version: 1,
  summary: 'The signal passed schema, tenant, bot, permission, account, instrument and order checks.',
  payload: WebhookValidated,
  key: (data) => data.accountId,
  keyedBy: 'accountId',
  producers: ['validator'],
  consumers: ['execution', 'notifier', 'api'],
  sample: sample as WebhookValidated,
});
