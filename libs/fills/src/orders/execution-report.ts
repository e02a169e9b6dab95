import assert from 'node:assert/strict';
import type { QuoteFill } from '../venue/fill-on-quote.js';
import { fixRejectReason } from '../rejects/reject-codes.js';
import type { RejectCode } from '../rejects/reject-codes.js';
import { isFinal } from './order.js';
import type { Order, OrderTerms, OrdStatus } from './order.js';

/** ExecType (FIX 150) and its character on the wire. */
export const EXEC_TYPE = {
  new: '0',
  cancelled: '4',
  replaced: '5',
  pending_cancel: '6',
  rejected: '8',
  pending_new: 'A',
  expired: 'C',
  trade: 'F',
  triggered: 'L',
  order_status: 'I',
} as const;
export type ExecType = keyof typeof EXEC_TYPE;

/** What happened to an order: FIX's ExecutionReport, with prices in price steps and quantities in lots. */
export interface ExecutionReport extends Readonly<OrderTerms> {
  readonly execId: string;
  readonly execType: ExecType;
  readonly ordStatus: OrdStatus;
  /** Lots of this trade; 0 unless `execType` is `trade`. */
  readonly lastQty: number;
  /** Price steps of this trade; on trades only. */
  readonly lastPx?: number;
  readonly cumQty: number;
  readonly leavesQty: number;
  /** The average price as the exact pair (sum of steps x lots, lots); absent before the first trade. */
  readonly avgPx?: { readonly stepLots: bigint; readonly lots: number };
  /** Minor units of the account's currency for this trade; 0n on other reports. */
  readonly commissionMinor: bigint;
  /** On trades only. */
  readonly liquidity?: 'maker' | 'taker';
  readonly tradeId?: string;
  /** Price steps lost against the reference price; on trades only. */
  readonly slippageSteps?: number;
  readonly referencePriceSteps?: number;
  /** ISO 8601 UTC. */
  readonly transactTime: string;
  /** Given by the caller; puts the reports of an account in order. */
  readonly sequence: number;
  /** The refusal's code; on rejects only. */
  readonly rejectCode?: RejectCode;
  /** FIX 103; on rejects that have one. */
  readonly ordRejReason?: number;
  readonly text?: string;
  readonly tenantId: string;
  readonly botId?: string;
}

/** What every report needs from its caller, who alone knows ids and time. */
export interface ReportStamp {
  execId: string;
  transactTime: string;
  sequence: number;
  tenantId: string;
  botId?: string;
}

export interface TradeDetails {
  fill: QuoteFill;
  tradeId: string;
  commissionMinor: bigint;
  liquidity: 'maker' | 'taker';
}

/**
 * The report of a trade.
 *
 * @param order the order after the trade, as `advanceOrder` returned it
 * @throws AssertionError if the order's status cannot be that of an order that has just traded
 */
export function tradeReport(order: Order, stamp: ReportStamp, trade: TradeDetails): ExecutionReport {
  assert(
    order.cumQty >= trade.fill.lots && (!isFinal(order) || order.ordStatus === 'filled'),
    'the order must be reported as it is after the trade',
  );
  return {
    ...stateOf(order, stamp),
    execType: 'trade',
    lastQty: trade.fill.lots,
    lastPx: trade.fill.priceSteps,
    slippageSteps: trade.fill.slippageSteps,
    referencePriceSteps: trade.fill.referencePriceSteps,
    tradeId: trade.tradeId,
    commissionMinor: trade.commissionMinor,
    liquidity: trade.liquidity,
  };
}

/**
 * The report of a refusal.
 *
 * @param order the order after `endOrder(order, 'rejected')`
 * @throws AssertionError if the order is not rejected
 */
export function rejectReport(
  order: Order,
  stamp: ReportStamp,
  reject: { code: RejectCode; text: string },
): ExecutionReport {
  assert(order.ordStatus === 'rejected', 'only a rejected order has a reject report');
  const ordRejReason = fixRejectReason(reject.code);
  return {
    ...stateOf(order, stamp),
    execType: 'rejected',
    lastQty: 0,
    commissionMinor: 0n,
    rejectCode: reject.code,
    ...(ordRejReason !== undefined && { ordRejReason }),
    text: reject.text,
  };
}

/** The report of anything else: an acknowledgement, a cancel, an expiry, a trigger, or the status on request. */
export function statusReport(
  order: Order,
  stamp: ReportStamp,
  execType: Exclude<ExecType, 'trade' | 'rejected'>,
  text?: string,
): ExecutionReport {
  return { ...stateOf(order, stamp), execType, lastQty: 0, commissionMinor: 0n, ...(text !== undefined && { text }) };
}

function stateOf(
  { filledStepLots, ...order }: Order,
  stamp: ReportStamp,
): Omit<ExecutionReport, 'execType' | 'lastQty' | 'commissionMinor'> {
  return {
    ...order,
    ...stamp,
    ...(order.cumQty > 0 && { avgPx: { stepLots: filledStepLots, lots: order.cumQty } }),
  };
}
