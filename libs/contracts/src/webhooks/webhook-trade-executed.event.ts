import { IsBoolean, IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { DECIMAL, INSTANT, SIGNAL_ID, SYMBOL, UNSIGNED_DECIMAL, UUID } from '../formats.js';
import { ORDER_TYPES } from './signal-request.js';
import sample from './webhook-trade-executed.sample.json' with { type: 'json' };

/** `webhook.trade_executed`: one fill, in the terms of a FIX ExecutionReport with ExecType F. */
export class WebhookTradeExecuted {
  @Matches(UUID) webhookId!: string;
  @IsString() @Length(1, 64) tenantId!: string;
  @IsString() @Length(1, 64) accountId!: string;
  @Matches(SIGNAL_ID) signalId!: string;
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
  @Matches(UUID) orderId!: string;
  /** FIX ExecID: one per fill. */
  @Matches(UUID) execId!: string;
  @IsIn(['trade']) execType!: 'trade';
  @IsIn(['partially_filled', 'filled']) ordStatus!: 'partially_filled' | 'filled';
  @Matches(SYMBOL) symbol!: string;
  @IsIn(['buy', 'sell']) side!: 'buy' | 'sell';
  @IsIn(ORDER_TYPES) orderType!: (typeof ORDER_TYPES)[number];
  @Matches(UNSIGNED_DECIMAL) orderQty!: string;
  @Matches(UNSIGNED_DECIMAL) lastQty!: string;
  @Matches(UNSIGNED_DECIMAL) lastPx!: string;
  @Matches(UNSIGNED_DECIMAL) cumQty!: string;
  @Matches(UNSIGNED_DECIMAL) leavesQty!: string;
  @Matches(UNSIGNED_DECIMAL) avgPx!: string;
  /** Bid or ask before slippage. */
  @Matches(UNSIGNED_DECIMAL) referencePrice!: string;
  /** How much worse than the reference, in price. */
  @Matches(UNSIGNED_DECIMAL) slippage!: string;
  @IsIn(['taker', 'maker']) liquidity!: 'taker' | 'maker';
  @Matches(UNSIGNED_DECIMAL) commission!: string;
  /** Profit that this fill realised, net of nothing; the account's currency. */
  @Matches(DECIMAL) realisedPnl!: string;
  /** After the fill; negative when short. */
  @Matches(DECIMAL) positionQty!: string;
  @Matches(DECIMAL) balance!: string;
  @IsString() @Length(1, 3) currency!: string;
  /** The quote it was filled on. */
  @IsString() @Length(1, 128) quoteId!: string;
  /** True on the fill that brings leavesQty to 0: no other event of this signal follows. */
  @IsBoolean() final!: boolean;
  @Matches(INSTANT) executedAt!: string;
}

export const webhookTradeExecuted = defineEvent<WebhookTradeExecuted>({
  type: 'webhook.trade_executed',
  version: 1,
  summary: 'A fill: the order traded, and the account has been booked.',
  payload: WebhookTradeExecuted,
  key: (data) => data.accountId,
  keyedBy: 'accountId',
  producers: ['execution'],
  consumers: ['notifier', 'api'],
  sample: sample as WebhookTradeExecuted,
});
