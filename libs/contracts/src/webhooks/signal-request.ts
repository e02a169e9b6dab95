import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { SIGNAL_ID, SYMBOL } from '../formats.js';
import { IsDecimalInput } from './decimal-input.js';

export const SIGNAL_ACTIONS = ['buy', 'sell'] as const;
export const ORDER_TYPES = ['market', 'limit', 'stop'] as const;

/**
 * A trading signal as a sender writes it: `POST /api/v1/webhooks/signals`.
 * Numbers are JSON numbers or numeric strings; more digits than the instrument has are refused, not rounded.
 */
export class SignalRequest {
  /** The tenant on whose behalf the signal is sent; has to be the credential's. */
  @IsString() @Length(1, 64) tenantId!: string;
  /** Ours (`acc_…`) or the tenant's own account number. */
  @IsString() @Length(1, 128) accountId!: string;
  @Matches(SYMBOL) symbol!: string;
  @IsIn(SIGNAL_ACTIONS) action!: (typeof SIGNAL_ACTIONS)[number];
  /** Units of the instrument, above zero. */
  @IsDecimalInput({ positive: true }) quantity!: number | string;
  /** Default: market. */
  @IsOptional() @IsIn(ORDER_TYPES) orderType?: (typeof ORDER_TYPES)[number];
  /** Limit or stop price, in the instrument's currency. */
  @IsOptional() @IsDecimalInput({ positive: true }) price?: number | string;
  @IsOptional() @IsDecimalInput({ positive: true }) stopLoss?: number | string;
  @IsOptional() @IsDecimalInput({ positive: true }) takeProfit?: number | string;
  @IsOptional() @IsString() @Length(1, 64) botId?: string;
  @IsOptional() @IsString() @Length(1, 128) strategyName?: string;
  /** The sender's id: 1-128 of [A-Za-z0-9_.:-]. The same id is the same signal. */
  @IsOptional() @Matches(SIGNAL_ID) signalId?: string;
  /** When the sender made it: ISO 8601 or unix seconds. */
  @IsOptional() @IsString() @Length(1, 40) timestamp?: string;
}
