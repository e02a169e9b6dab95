import assert from 'node:assert/strict';
import type { Position } from '../positions/position.js';
import { FLAT } from '../positions/position.js';

/** The money of one account, by where it lies. Always: balance + fees + pnlPool = deposits. */
export interface LedgerTotals {
  /** What the account owns, unrealised profit not counted. */
  readonly balanceMinor: bigint;
  /** Commission paid so far, less rebates. */
  readonly feesMinor: bigint;
  /** The simulated counterparty: minus the account's realised profit before commission. */
  readonly pnlPoolMinor: bigint;
  /** Paid in less paid out. */
  readonly depositsMinor: bigint;
}

/** An account's money and positions, in one currency. Immutable: changes are {@link BookDelta}s. */
export interface AccountBook extends LedgerTotals {
  /** ISO 4217 code; an instrument in another currency cannot be booked here. */
  readonly currency: string;
  /** Open positions by symbol; a flat one is absent. */
  readonly positions: ReadonlyMap<string, Position>;
}

/** What one booking changes. Deltas of one account apply in the order they were made. */
export interface BookDelta {
  /** Differences to add, each possibly 0n. */
  readonly totals: LedgerTotals;
  /** New values of the positions that changed, by symbol; {@link FLAT} where one was closed. */
  readonly positions: ReadonlyMap<string, Position>;
}

export type LedgerAccount = 'deposits' | 'balance' | 'fees' | 'pnl_pool';

/** Money moving from one ledger account to another: one amount and two ends, so it cannot be out of balance. */
export interface LedgerEntry {
  readonly kind: 'deposit' | 'withdrawal' | 'realised_profit' | 'realised_loss' | 'commission' | 'rebate';
  readonly from: LedgerAccount;
  readonly to: LedgerAccount;
  /** Greater than 0n: nothing is written where nothing moves. */
  readonly amountMinor: bigint;
  /** The instrument that caused it; absent for deposits and withdrawals. */
  readonly symbol?: string;
}

const NOTHING: LedgerTotals = Object.freeze({ balanceMinor: 0n, feesMinor: 0n, pnlPoolMinor: 0n, depositsMinor: 0n });

/** An account before its first deposit. */
export function openBook(currency: string): AccountBook {
  assert(currency !== '', 'currency must not be empty');
  return { currency, ...NOTHING, positions: new Map() };
}

/** The account's position in an instrument, flat if it has none. */
export function positionIn(book: AccountBook, symbol: string): Position {
  return book.positions.get(symbol) ?? FLAT;
}

/** The book after a delta; neither argument is changed. */
export function applyDelta(book: AccountBook, delta: BookDelta): AccountBook {
  let positions = book.positions;
  if (delta.positions.size > 0) {
    const next = new Map(book.positions);
    for (const [symbol, position] of delta.positions) {
      if (position.lots === 0) next.delete(symbol);
      else next.set(symbol, position);
    }
    positions = next;
  }
  return { currency: book.currency, ...addTotals(book, delta.totals), positions };
}

/**
 * Pays money in (`amountMinor` > 0n) or out (< 0n).
 *
 * Whether the account may pay out that much is the caller's rule; the ledger records that it did.
 */
export function bookDeposit(amountMinor: bigint): { delta: BookDelta; entries: LedgerEntry[] } {
  const entries: LedgerEntry[] = [];
  if (amountMinor > 0n) entries.push({ kind: 'deposit', from: 'deposits', to: 'balance', amountMinor });
  if (amountMinor < 0n)
    entries.push({ kind: 'withdrawal', from: 'balance', to: 'deposits', amountMinor: -amountMinor });
  return { delta: { totals: totalsOf(entries), positions: new Map() }, entries };
}

/** What entries add up to: the money part of a delta, or a check of a stored book against its stored entries. */
export function totalsOf(entries: readonly LedgerEntry[]): LedgerTotals {
  const moved: Record<LedgerAccount, bigint> = { deposits: 0n, balance: 0n, fees: 0n, pnl_pool: 0n };
  for (const { from, to, amountMinor } of entries) {
    assert(amountMinor > 0n, 'a ledger entry moves a positive amount');
    moved[from] -= amountMinor;
    moved[to] += amountMinor;
  }
  // Money leaves `deposits` on its way in, so what was paid in is that account turned around.
  return {
    balanceMinor: moved.balance,
    feesMinor: moved.fees,
    pnlPoolMinor: moved.pnl_pool,
    depositsMinor: -moved.deposits,
  };
}

/** True while no money has appeared or vanished: balance + fees + P&L pool = deposits, over one account or many. */
export function isConserved(...totals: readonly LedgerTotals[]): boolean {
  const sum = totals.reduce(addTotals, NOTHING);
  return sum.balanceMinor + sum.feesMinor + sum.pnlPoolMinor === sum.depositsMinor;
}

function addTotals(a: LedgerTotals, b: LedgerTotals): LedgerTotals {
  return {
    balanceMinor: a.balanceMinor + b.balanceMinor,
    feesMinor: a.feesMinor + b.feesMinor,
    pnlPoolMinor: a.pnlPoolMinor + b.pnlPoolMinor,
    depositsMinor: a.depositsMinor + b.depositsMinor,
  };
}
