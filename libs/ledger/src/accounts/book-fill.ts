import assert from 'node:assert/strict';
import type { Instrument } from '../instruments/instrument.js';
import { applyFill } from '../positions/position.js';
import type { PositionFill } from '../positions/position.js';
import { positionIn, totalsOf } from './account-book.js';
import type { AccountBook, BookDelta, LedgerEntry } from './account-book.js';

export interface FillBooking {
  readonly delta: BookDelta;
  /** Realised profit or loss first, then the commission; empty when the fill only opens and costs nothing. */
  readonly entries: LedgerEntry[];
  readonly closedLots: number;
  readonly openedLots: number;
  /** Profit of the closed lots before commission, minor units. */
  readonly realisedMinor: bigint;
  /** The same less this fill's commission: what the balance changes by. */
  readonly netRealisedMinor: bigint;
}

/**
 * Books a fill into an account: nets it into the position, moves realised profit out of the P&L pool (or a loss into
 * it) and the commission into the fees. Opening a position moves no money; its margin is a claim, not a payment.
 *
 * @param book            not mutated; apply the returned delta with `applyDelta` once it is committed
 * @param commissionMinor minor units of the account's currency; negative for a rebate
 * @throws AssertionError if the instrument is in another currency than the account, or the fill is not positive integers
 */
export function bookFill(
  book: AccountBook,
  fill: PositionFill,
  instrument: Instrument,
  commissionMinor: bigint,
): FillBooking {
  assert(instrument.currency === book.currency, 'the instrument must be in the currency of the account');
  const { symbol } = instrument;
  const change = applyFill(positionIn(book, symbol), fill, instrument);
  const realised = change.realisedMinor;

  const entries: LedgerEntry[] = [];
  if (realised > 0n) {
    entries.push({ kind: 'realised_profit', from: 'pnl_pool', to: 'balance', amountMinor: realised, symbol });
  }
  if (realised < 0n) {
    entries.push({ kind: 'realised_loss', from: 'balance', to: 'pnl_pool', amountMinor: -realised, symbol });
  }
  if (commissionMinor > 0n) {
    entries.push({ kind: 'commission', from: 'balance', to: 'fees', amountMinor: commissionMinor, symbol });
  }
  if (commissionMinor < 0n) {
    entries.push({ kind: 'rebate', from: 'fees', to: 'balance', amountMinor: -commissionMinor, symbol });
  }
  return {
    delta: { totals: totalsOf(entries), positions: new Map([[symbol, change.position]]) },
    entries,
    closedLots: change.closedLots,
    openedLots: change.openedLots,
    realisedMinor: realised,
    netRealisedMinor: realised - commissionMinor,
  };
}
