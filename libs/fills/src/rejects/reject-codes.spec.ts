import { fixRejectReason, REJECT_CODES } from './reject-codes.js';
import type { RejectCode } from './reject-codes.js';

describe('REJECT_CODES', () => {
  it('are upper snake case, each with a meaning of one line', () => {
    for (const [code, { meaning }] of Object.entries(REJECT_CODES)) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(meaning).toMatch(/^[A-Z][^\n]*\.$/);
    }
  });

  it.each<[RejectCode, number | undefined]>([
    ['BAD_SIGNATURE', undefined],
    ['NOT_SHORTABLE', 0],
    ['UNKNOWN_SYMBOL', 1],
    ['MARKET_CLOSED', 2],
    ['LIMIT_EXCEEDED', 3],
    ['TOO_LATE', 4],
    ['UNKNOWN_ORDER', 5],
    ['DUPLICATE', 6],
    ['STALE_SIGNAL', 8],
    ['UNSUPPORTED', 11],
    ['RULE_MAX_LOTS', 12],
    ['INVALID_QUANTITY', 13],
    ['UNKNOWN_ACCOUNT', 15],
    ['PRICE_BAND', 16],
    ['INVALID_PRICE_INCREMENT', 18],
    ['INSUFFICIENT_MARGIN', 99],
  ])('%s is %p in FIX', (code, fix103) => {
    expect(fixRejectReason(code)).toBe(fix103);
  });
});
