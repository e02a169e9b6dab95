import type { AccountControl, EventEnvelope, WebhookValidated } from '@tickwire/contracts';
import type { NewRecord } from '@tickwire/event-log';
import { applyControl, type AccountState, type WaitingSignal } from './account-state.js';
import type { AccountWrites } from './account-store.js';
import { executeSignal, type SignalOutcome } from './execute-signal.js';
import { failedRecord, outcomeRecords } from './outcome-events.js';
import type { QuoteBoard } from './quote-board.js';

/** How long a signal waits for a fresh quote before it fails with STALE_QUOTE. */
export const QUOTE_WAIT_MS = 30_000;

/**
 * One transaction's work on accounts, in memory: begins with the accounts as they are, ends with what is to be written, sent
 * and, after the commit, remembered. Nothing outside changes, so a batch that throws can be run again record by record.
 */
export class AccountWork {
  private readonly changed = new Map<string, { before: AccountState | undefined; after: AccountState }>();
  private readonly taken: AccountWrites['taken'] = [];
  private readonly traded: AccountWrites['traded'] = [];
  private readonly waitingAdded: AccountWrites['waitingAdded'] = [];
  private readonly waitingDone: AccountWrites['waitingDone'] = [];
  readonly emit: { partition: number; record: NewRecord }[] = [];

  constructor(
    private readonly accounts: ReadonlyMap<string, AccountState>,
    private readonly quotes: QuoteBoard,
    private readonly nowMs: number,
    /** Numbers waiting signals in the order of their arrival. */
    private readonly nextSequence: () => number,
  ) {}

  get isEmpty(): boolean {
    return (
      this.changed.size === 0 && this.taken.length === 0 && this.waitingDone.length === 0 && this.emit.length === 0
    );
  }

  /** The states after the work, to be remembered once it is committed. */
  states(): AccountState[] {
    return [...this.changed.values()].map(({ after }) => after);
  }

  writes(): AccountWrites {
    const { taken, traded, waitingAdded, waitingDone, nowMs } = this;
    return { accounts: [...this.changed.values()], taken, traded, waitingAdded, waitingDone, nowMs };
  }

  get(accountId: string): AccountState | undefined {
    return this.changed.get(accountId)?.after ?? this.accounts.get(accountId);
  }

  control(control: AccountControl, partition: number): void {
    const before = this.get(control.accountId);
    const after = applyControl(before, control, partition);
    if (after !== before) this.set(after);
  }

  /** A signal that has not been taken up before: executed now, or put into its account's queue for a fresh quote. */
  signal(event: EventEnvelope<WebhookValidated>, partition: number): void {
    this.taken.push({ event });
    const account = this.get(event.data.accountId);
    if (!account) {
      this.send(partition, [
        failedRecord(event.data, event.id, 'UNKNOWN_ACCOUNT', 'No such account belongs to the tenant', this.nowMs),
      ]);
      return;
    }
    const quote = account.waiting.length === 0 ? this.quotes.fresh(account.quoteSource, this.nowMs) : undefined;
    if (quote) {
      this.execute(account, event, quote.quoteId, quote.prices.get(event.data.symbol));
      return;
    }
    const waiting: WaitingSignal = { event, sequence: this.nextSequence(), deadlineMs: this.nowMs + QUOTE_WAIT_MS };
    this.waitingAdded.push({ accountId: account.accountId, partition, waiting });
    this.set({ ...account, waiting: [...account.waiting, waiting] });
  }

  /** Executes an account's queue if its quote is fresh again; fails what has waited too long. */
  release(accountId: string): void {
    for (;;) {
      const account = this.get(accountId);
      const first = account?.waiting[0];
      if (!account || !first) return;
      const quote = this.quotes.fresh(account.quoteSource, this.nowMs);
      if (!quote && this.nowMs < first.deadlineMs) return;
      this.waitingDone.push({ accountId, webhookId: first.event.data.webhookId });
      const shorter = { ...account, waiting: account.waiting.slice(1) };
      if (quote) {
        this.execute(shorter, first.event, quote.quoteId, quote.prices.get(first.event.data.symbol));
      } else {
        this.set(shorter);
        const message = `No fresh quote came within ${QUOTE_WAIT_MS / 1000} s`;
        this.send(account.partition, [
          failedRecord(first.event.data, first.event.id, 'STALE_QUOTE', message, this.nowMs),
        ]);
      }
    }
  }

  send(partition: number, records: readonly NewRecord[]): void {
    for (const record of records) this.emit.push({ partition, record });
  }

  private execute(
    account: AccountState,
    event: EventEnvelope<WebhookValidated>,
    quoteId: string,
    quote: Parameters<typeof executeSignal>[2]['quote'],
  ): void {
    const outcome: SignalOutcome = executeSignal(account, event, { quoteId, quote });
    if (outcome.account !== this.get(account.accountId)) this.set(outcome.account);
    if (outcome.kind === 'traded') this.traded.push({ event, outcome, quoteId });
    this.send(account.partition, outcomeRecords(event, outcome, quoteId, this.nowMs));
  }

  private set(after: AccountState): void {
    const standing = this.changed.get(after.accountId);
    this.changed.set(after.accountId, {
      before: standing ? standing.before : this.accounts.get(after.accountId),
      after,
    });
  }
}
