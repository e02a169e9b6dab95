import type { AccountControl, EventEnvelope, WebhookValidated } from '@tickwire/contracts';
import { applyDelta, bookDeposit, openBook, parseDecimal, type AccountBook } from '@tickwire/ledger';

/** Minor digits of every currency that is traded here. */
export const MINOR_DIGITS = 2;

/** A signal that waits for a fresh quote, and those queued behind it. */
export interface WaitingSignal {
  event: EventEnvelope<WebhookValidated>;
  /** Order of arrival within the partition. */
  sequence: number;
  deadlineMs: number;
}

/** Everything that execution knows of an account. Immutable: a change is a new value with a higher version. */
export interface AccountState {
  readonly accountId: string;
  readonly tenantId: string;
  readonly partition: number;
  readonly status: string;
  /** Version of api's row that status came from; a lower one is ignored. */
  readonly directoryVersion: number;
  readonly quoteSource: string;
  readonly book: AccountBook;
  readonly version: number;
  readonly waiting: readonly WaitingSignal[];
}

/** The facts of a new account, from its control record or from api's row: both give the same state. */
export interface AccountFacts {
  accountId: string;
  tenantId: string;
  partition: number;
  status: string;
  directoryVersion: number;
  currency: string;
  quoteSource: string;
  initialBalanceMinor: bigint;
}

export function openAccount(facts: AccountFacts): AccountState {
  const { currency, initialBalanceMinor, ...rest } = facts;
  const book = applyDelta(openBook(currency), bookDeposit(initialBalanceMinor).delta);
  return { ...rest, book, version: 1, waiting: [] };
}

/** @throws RangeError when the balance has more digits than the currency: api refuses such accounts */
export function factsOf(control: AccountControl, partition: number): AccountFacts {
  const initialBalanceMinor = parseDecimal(control.initialBalance, MINOR_DIGITS);
  if (typeof initialBalanceMinor !== 'bigint')
    throw new RangeError(`initialBalance ${control.initialBalance} is not money`);
  return {
    accountId: control.accountId,
    tenantId: control.tenantId,
    partition,
    status: control.status,
    directoryVersion: control.version,
    currency: control.currency,
    quoteSource: control.quoteSource,
    initialBalanceMinor,
  };
}

/** What a control record makes of an account; a record below the known version changes nothing. */
export function applyControl(
  state: AccountState | undefined,
  control: AccountControl,
  partition: number,
): AccountState {
  if (!state) return openAccount(factsOf(control, partition));
  if (control.version <= state.directoryVersion) return state;
  return { ...state, status: control.status, directoryVersion: control.version, version: state.version + 1 };
}
