import { Controller, Inject, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  accountControl,
  configChanged,
  marketQuote,
  signalEventId,
  webhookValidated,
  type ConfigChanged,
  type MarketQuote,
  type WebhookValidated,
} from '@tickwire/contracts';
import { Directory } from '@tickwire/directory';
import {
  AssumedNew,
  BroadcastEvents,
  eventsOf,
  Fence,
  OwnedBatches,
  PartitionsAssigned,
  PartitionsRevoked,
  readSignalIdentity,
  type AssignmentChange,
  type Cause,
  type EventBatch,
  type Position,
  type Queryable,
  type ReceivedEvent,
  type SignalIdentity,
} from '@tickwire/event-log';
import { formatDecimal } from '@tickwire/ledger';
import type { AppHost } from '@tickwire/runtime';
import { ACCOUNTS_FENCE, HOST } from '../tokens.js';
import { MINOR_DIGITS, type AccountState } from './account-state.js';
import { insertSignals, knownSignals, loadAccounts, writeAccounts } from './account-store.js';
import { AccountWork } from './account-work.js';
import { loadHeldQuotes } from './held-quotes.js';
import { failedRecord } from './outcome-events.js';
import { QuoteBoard, readQuote } from './quote-board.js';
import { Turns } from '../turns.js';

export const ACCOUNTS_GROUP = 'execution.accounts';
/** Signals that come so close to each other share a transaction. */
const PACE_MS = 8;
const REVOKE_FLUSH_MS = 1_000;
/** How often waiting signals are looked at besides each new quote. */
const DEADLINE_CHECK_MS = 500;
/** Enough to hold the last quote of every source that shares a partition. */
const LAST_QUOTES = 50;

/**
 * The only writer of tenants' accounts: `webhook.validated` -> fills, positions, balances -> `webhook.trade_executed`.
 * Safe to redeliver: signals are known by their identity, inserted in the transaction that executes them; positions move with it.
 */
@Controller()
export class AccountsConsumer implements OnModuleInit, OnModuleDestroy {
  private readonly accounts = new Map<string, AccountState>();
  private readonly quotes = new QuoteBoard();
  /** Batches, quotes and timers take turns: quotes are applied between batches. */
  private readonly turns = new Turns();
  private readonly waitingAccounts = new Set<string>();
  private readonly taken = new AssumedNew('exec_signal');
  private sequence = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ACCOUNTS_FENCE) private readonly fence: Fence,
    @Inject(Directory) private readonly directory: Directory,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => {
      if (this.waitingAccounts.size > 0)
        void this.releaseWaiting({ kind: 'timer', at: new Date(this.host.now()).toISOString() });
    }, DEADLINE_CHECK_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  @PartitionsAssigned(ACCOUNTS_GROUP)
  assigned(@Payload() { partitions, alive }: AssignmentChange): Promise<Position[]> {
    return this.turns.take(async () => {
      let loaded: AccountState[] = [];
      const positions = await this.fence.take(partitions, alive, async (snapshot) => {
        loaded = await loadAccounts(snapshot, partitions);
        for (const quote of await loadHeldQuotes(snapshot, this.host.logger)) this.quotes.apply(quote);
      });
      for (const account of loaded) {
        this.remember(account);
        for (const { sequence } of account.waiting) this.sequence = Math.max(this.sequence, sequence);
      }
      return positions;
    });
  }

  @PartitionsRevoked(ACCOUNTS_GROUP)
  async revoked(@Payload() { partitions }: AssignmentChange): Promise<void> {
    await this.fence.flush(REVOKE_FLUSH_MS);
    this.fence.drop(partitions);
    for (const [id, account] of this.accounts) {
      if (!partitions.includes(account.partition)) continue;
      this.accounts.delete(id);
      this.waitingAccounts.delete(id);
    }
  }

  @BroadcastEvents({ name: 'execution.config', events: [configChanged], from: 'end' })
  configChanged(@Payload() events: ReceivedEvent<ConfigChanged>[]): void {
    this.directory.changed(events);
  }

  @BroadcastEvents({ name: 'execution.quotes', events: [marketQuote], from: { last: LAST_QUOTES } })
  async quoted(@Payload() events: ReceivedEvent<MarketQuote>[]): Promise<void> {
    await this.turns.take(async () => {
      for (const { event } of events) this.quotes.apply(readQuote(event.data));
    });
    const last = events.at(-1);
    if (last && this.waitingAccounts.size > 0)
      await this.releaseWaiting({ kind: 'quote', quoteId: last.event.data.quoteId });
  }

  @OwnedBatches({
    group: ACCOUNTS_GROUP,
    events: [webhookValidated, accountControl],
    offsets: 'handler',
    paceMs: PACE_MS,
  })
  handleBatch(@Payload() batch: EventBatch): Promise<void> {
    return this.turns.take(async () => {
      const signals = eventsOf(batch, webhookValidated);
      const buried = buriedSignals(batch);
      await this.taken.run(
        new Set<string>(),
        () => knownSignals(this.database, [...signals.map(({ event }) => event.data), ...buried]),
        (known) => this.execute(batch, signals, buried, known),
      );
    });
  }

  private async execute(
    batch: EventBatch,
    signals: readonly ReceivedEvent<WebhookValidated>[],
    buried: readonly BuriedSignal[],
    known: ReadonlySet<string>,
  ): Promise<void> {
    const seen = new Set(known);
    const isFresh = (webhookId: string): boolean => !seen.has(webhookId) && Boolean(seen.add(webhookId));
    const work = this.begin();
    for (const { record, event } of eventsOf(batch, accountControl)) work.control(event.data, record.partition);
    const fresh = signals.filter(({ event }) => isFresh(event.data.webhookId));
    for (const [partition, account] of await this.unknownAccounts(work, fresh)) {
      work.control({ kind: 'registered', ...account }, partition);
    }
    for (const { record, event } of fresh) work.signal(event, record.partition);

    for (const { record, letter } of batch.faults) work.send(record.partition, [letter]);
    const ended = buried.filter(({ webhookId }) => isFresh(webhookId));
    for (const signal of ended) {
      const message = 'The signal could not be processed; operators have been told';
      work.send(signal.partition, [failedRecord(signal, signal.webhookId, 'INTERNAL', message, this.host.now())]);
    }
    const writes = work.writes();
    await this.fence.transact({
      next: batch.next,
      cause: { kind: 'records' },
      write: (transaction) => {
        writeAccounts(transaction, writes);
        insertSignals(transaction, ended, writes.nowMs);
      },
      emit: work.emit,
    });
    this.commit(work);
  }

  private get database(): Queryable {
    return this.host.pool as unknown as Queryable;
  }

  private begin(): AccountWork {
    return new AccountWork(this.accounts, this.quotes, this.host.now(), () => ++this.sequence);
  }

  private commit(work: AccountWork): void {
    for (const account of work.states()) this.remember(account);
  }

  private remember(account: AccountState): void {
    // Lost while the transaction ran: what is in the database is the next owner's to load.
    if (!this.fence.holds(account.partition)) return;
    this.accounts.set(account.accountId, account);
    if (account.waiting.length > 0) this.waitingAccounts.add(account.accountId);
    else this.waitingAccounts.delete(account.accountId);
  }

  private async releaseWaiting(cause: Cause): Promise<void> {
    try {
      await this.turns.take(async () => {
        const work = this.begin();
        for (const accountId of [...this.waitingAccounts]) work.release(accountId);
        if (work.isEmpty) return;
        const writes = work.writes();
        const partitions = [...new Set(work.states().map((account) => account.partition))];
        await this.fence.transact({
          partitions,
          cause,
          write: (transaction) => writeAccounts(transaction, writes),
          emit: work.emit,
        });
        this.commit(work);
      });
    } catch (error) {
      // Nothing has changed; the next quote or the timer tries again, and a lost partition is the next owner's.
      this.host.logger.warn({ err: error }, 'waiting signals could not be released');
    }
  }

  /** Accounts that signals name and execution has never seen: made from api's row, as their control record would. */
  private async unknownAccounts(
    work: AccountWork,
    signals: readonly ReceivedEvent<{ accountId: string }>[],
  ): Promise<[number, Omit<Parameters<AccountWork['control']>[0], 'kind'>][]> {
    const missing = [...new Set(signals.map(({ event }) => event.data.accountId))].filter(
      (id) => work.get(id) === undefined,
    );
    if (missing.length === 0) return [];
    const rows = await this.directory.accounts(missing);
    return [...rows.values()].map((row) => [
      row.partition,
      {
        accountId: row.id,
        tenantId: row.tenantId,
        status: row.status as 'active',
        currency: row.currency,
        initialBalance: formatDecimal(row.initialBalance, MINOR_DIGITS),
        quoteSource: row.quoteSource,
        version: row.version,
      },
    ]);
  }
}

/** A record that could not be handled, whose signal can be read. */
interface BuriedSignal extends SignalIdentity {
  webhookId: string;
  partition: number;
}

function buriedSignals({ faults }: EventBatch): BuriedSignal[] {
  return faults.flatMap(({ record: { topic, value, partition } }) => {
    const identity = topic === webhookValidated.topic ? readSignalIdentity(value) : undefined;
    if (!identity) return [];
    const webhookId = signalEventId(identity.tenantId, identity.accountId, identity.signalId);
    return [{ ...identity, webhookId, partition }];
  });
}
