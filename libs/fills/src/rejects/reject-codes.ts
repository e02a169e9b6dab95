/** One way of saying no: its number in FIX (OrdRejReason, tag 103; absent where no order exists yet) and its meaning. */
export interface RejectMeaning {
  readonly fix103?: number;
  readonly meaning: string;
}

/** Every stable code a signal or order can be refused with. Callers match on the code; the meaning may be reworded. */
export const REJECT_CODES = {
  UNPARSABLE: { meaning: 'The body is not JSON.' },
  SCHEMA: { meaning: 'A field is missing, unknown or malformed.' },
  BAD_SIGNATURE: { meaning: 'The credential or signature does not hold.' },
  STALE_TIMESTAMP: { meaning: 'The signed time is outside the accepted window.' },
  REPLAYED_NONCE: { meaning: 'The nonce was used before with another body.' },
  UNKNOWN_SYMBOL: { fix103: 1, meaning: 'No such instrument, or not allowed for the account.' },
  MARKET_CLOSED: { fix103: 2, meaning: 'The instrument is closed or halted.' },
  LIMIT_EXCEEDED: { fix103: 3, meaning: 'Above a maximum of quantity, notional or rate.' },
  TOO_LATE: { fix103: 4, meaning: 'The order is past the point where this could be done.' },
  UNKNOWN_ORDER: { fix103: 5, meaning: 'No such order of this account.' },
  DUPLICATE: { fix103: 6, meaning: 'The signal id was used before.' },
  STALE_SIGNAL: { fix103: 8, meaning: 'The signal is older than its bot allows.' },
  UNSUPPORTED: { fix103: 11, meaning: 'This combination of order type, time in force and bracket is not offered.' },
  INVALID_QUANTITY: { fix103: 13, meaning: 'The quantity is zero, not a whole number of lots, or out of range.' },
  QUANTITY_TOO_SMALL: { fix103: 13, meaning: 'Sizing came to less than one lot.' },
  UNKNOWN_ACCOUNT: { fix103: 15, meaning: 'No such account of this tenant.' },
  ACCOUNT_INACTIVE: { fix103: 15, meaning: 'The account may not trade.' },
  PRICE_BAND: { fix103: 16, meaning: 'The price is too far from the market.' },
  INVALID_PRICE_INCREMENT: { fix103: 18, meaning: 'The price is not a whole number of price steps.' },
  INSUFFICIENT_FUNDS: { fix103: 99, meaning: 'The balance does not cover the order.' },
  INSUFFICIENT_MARGIN: { fix103: 99, meaning: 'The free margin does not cover the order.' },
  NOT_SHORTABLE: { fix103: 0, meaning: 'The instrument cannot be sold short.' },
  SELF_TRADE: { fix103: 0, meaning: "The order would trade with the account's own." },
  FOK_NOT_FILLABLE: { fix103: 0, meaning: 'A fill-or-kill order cannot fill completely at once.' },
  POST_ONLY_WOULD_CROSS: { fix103: 0, meaning: 'A post-only order would take liquidity.' },
  STOP_ALREADY_TRIGGERED: { fix103: 0, meaning: 'The market is already through the stop price.' },
  STALE_QUOTE: { fix103: 0, meaning: 'No fresh quote came in time.' },
  INTERNAL: { fix103: 99, meaning: 'A fault on our side; the signal was not traded.' },
} as const satisfies Record<string, RejectMeaning>;

/** Refused by an account rule, named behind the prefix: `RULE_MAX_DAILY_LOSS`. */
export type RuleRejectCode = `RULE_${string}`;
export type RejectCode = keyof typeof REJECT_CODES | RuleRejectCode;

/** FIX's surveillance option: an account rule, not the market, refused. */
const FIX_RULE_REJECT = 12;

/** The FIX 103 number of a code, or undefined where FIX has none because the refusal comes before any order. */
export function fixRejectReason(code: RejectCode): number | undefined {
  if (isRuleReject(code)) return FIX_RULE_REJECT;
  const meaning: RejectMeaning = REJECT_CODES[code];
  return meaning.fix103;
}

function isRuleReject(code: RejectCode): code is RuleRejectCode {
  return code.startsWith('RULE_');
}
