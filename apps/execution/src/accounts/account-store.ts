import type { EventEnvelope, WebhookValidated } from '@tickwire/contracts';
import type { Queryable, SignalIdentity, Statements } from '@tickwire/event-log';
import { averageOf, formatDecimal, formatPrice, formatQuantity } from '@tickwire/ledger';
import { MINOR_DIGITS, type AccountState, type WaitingSignal } from './account-state.js';
import type { SignalOutcome } from './execute-signal.js';

/** What one transaction writes. */
export interface AccountWrites {
  /** New values, with the positions that differ from `before`. */
  accounts: { before: AccountState | undefined; after: AccountState }[];
  /** Signals that have been taken up: executed, refused or waiting. */
  taken: { event: EventEnvelope<WebhookValidated> }[];
  traded: {
    event: EventEnvelope<WebhookValidated>;
    outcome: Extract<SignalOutcome, { kind: 'traded' }>;
    quoteId: string;
  }[];
  waitingAdded: { accountId: string; partition: number; waiting: WaitingSignal }[];
  waitingDone: { accountId: string; webhookId: string }[];
  nowMs: number;
}

/** Loads the accounts of partitions with their positions and waiting signals. */
export async function loadAccounts(db: Queryable, partitions: readonly number[]): Promise<AccountState[]> {
  const { rows: accounts } = await db.query<AccountRow>(
    `SELECT a."account_id", a."tenant_id", a."partition", a."status", a."directory_version", a."quote_source", a."currency",
            a."balance"::text, a."fees"::text, a."realised"::text, a."initial_balance"::text, a."version",
            (SELECT jsonb_object_agg(p."symbol", jsonb_build_array(p."lots"::text, p."cost"::text))
               FROM "exec_position" p WHERE p."account_id" = a."account_id" AND p."lots" <> 0) AS "positions"
       FROM "exec_account" a WHERE a."partition" = ANY($1)`,
    [partitions],
  );
  const { rows: waiting } = await db.query<{ account_id: string; sequence: string; event: string; deadline: Date }>(
    `SELECT "account_id", "sequence"::text, "event", "deadline" FROM "exec_waiting" WHERE "partition" = ANY($1) ORDER BY "partition", "sequence"`,
    [partitions],
  );
  const queues = new Map<string, WaitingSignal[]>();
  for (const row of waiting) {
    const queue = queues.get(row.account_id) ?? [];
    queue.push({
      event: JSON.parse(row.event) as EventEnvelope<WebhookValidated>,
      sequence: Number(row.sequence),
      deadlineMs: row.deadline.getTime(),
    });
    queues.set(row.account_id, queue);
  }
  return accounts.map((row) => accountOf(row, queues.get(row.account_id) ?? []));
}

interface AccountRow {
  account_id: string;
  tenant_id: string;
  partition: number;
  status: string;
  directory_version: string | number;
  quote_source: string;
  currency: string;
  balance: string;
  fees: string;
  realised: string;
  initial_balance: string;
  version: string | number;
  positions: Record<string, [lots: string, cost: string]> | null;
}

function accountOf(row: AccountRow, waiting: WaitingSignal[]): AccountState {
  return {
    accountId: row.account_id,
    tenantId: row.tenant_id,
    partition: row.partition,
    status: row.status,
    directoryVersion: Number(row.directory_version),
    quoteSource: row.quote_source,
    version: Number(row.version),
    waiting,
    book: {
      currency: row.currency,
      balanceMinor: BigInt(row.balance),
      feesMinor: BigInt(row.fees),
      pnlPoolMinor: -BigInt(row.realised),
      depositsMinor: BigInt(row.initial_balance),
      positions: new Map(
        Object.entries(row.positions ?? {}).map(([symbol, [lots, cost]]) => [
          symbol,
          { lots: Number(lots), costStepLots: BigInt(cost) },
        ]),
      ),
    },
  };
}

/** Which of these signals execution has taken up already. */
export async function knownSignals(db: Queryable, signals: readonly SignalIdentity[]): Promise<Set<string>> {
  if (signals.length === 0) return new Set();
  const { rows } = await db.query<{ webhook_id: string }>({
    name: 'known-signals',
    text: `SELECT s."webhook_id" FROM "exec_signal" s
             JOIN unnest($1::text[], $2::text[], $3::text[]) i("tenant_id", "account_id", "signal_id")
               ON s."tenant_id" = i."tenant_id" AND s."account_id" = i."account_id" AND s."signal_id" = i."signal_id"`,
    values: [
      signals.map((signal) => signal.tenantId),
      signals.map((signal) => signal.accountId),
      signals.map((signal) => signal.signalId),
    ],
  });
  return new Set(rows.map((row) => row.webhook_id));
}

/** A primary key of `exec_signal` refuses a second execution, whatever memory believes. */
export function insertSignals(
  transaction: Statements,
  signals: readonly { tenantId: string; accountId: string; signalId: string; webhookId: string }[],
  nowMs: number,
): void {
  if (signals.length === 0) return;
  transaction.add(
    `INSERT INTO "exec_signal" ("tenant_id", "account_id", "signal_id", "webhook_id", "taken_at")
     SELECT t.*, $5::timestamptz FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[]) t`,
    [
      signals.map((signal) => signal.tenantId),
      signals.map((signal) => signal.accountId),
      signals.map((signal) => signal.signalId),
      signals.map((signal) => signal.webhookId),
      new Date(nowMs),
    ],
  );
}

export function writeAccounts(transaction: Statements, writes: AccountWrites): void {
  insertSignals(
    transaction,
    writes.taken.map(({ event }) => event.data),
    writes.nowMs,
  );
  upsertAccounts(transaction, writes);
  upsertPositions(transaction, writes);
  insertOrders(transaction, writes);
  insertFills(transaction, writes);
  moveWaiting(transaction, writes);
}

function upsertAccounts(transaction: Statements, { accounts, nowMs }: AccountWrites): void {
  if (accounts.length === 0) return;
  const states = accounts.map(({ after }) => after);
  transaction.add(
    `INSERT INTO "exec_account" ("account_id", "tenant_id", "partition", "status", "directory_version", "currency", "quote_source",
                                 "initial_balance", "balance", "fees", "realised", "version", "updated_at")
     SELECT t.*, $13::timestamptz FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::bigint[], $6::text[], $7::text[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[]) t
     ON CONFLICT ("account_id") DO UPDATE SET "status" = EXCLUDED."status", "directory_version" = EXCLUDED."directory_version",
       "balance" = EXCLUDED."balance", "fees" = EXCLUDED."fees", "realised" = EXCLUDED."realised", "version" = EXCLUDED."version",
       "updated_at" = EXCLUDED."updated_at"`,
    [
      states.map((state) => state.accountId),
      states.map((state) => state.tenantId),
      states.map((state) => state.partition),
      states.map((state) => state.status),
      states.map((state) => state.directoryVersion),
      states.map((state) => state.book.currency),
      states.map((state) => state.quoteSource),
      states.map((state) => state.book.depositsMinor.toString()),
      states.map((state) => state.book.balanceMinor.toString()),
      states.map((state) => state.book.feesMinor.toString()),
      states.map((state) => (-state.book.pnlPoolMinor).toString()),
      states.map((state) => state.version),
      new Date(nowMs),
    ],
  );
}

function upsertPositions(transaction: Statements, { accounts, traded }: AccountWrites): void {
  const books = new Map(accounts.map(({ after }) => [after.accountId, after.book]));
  const gained = new Map<string, { accountId: string; symbol: string; minor: bigint }>();
  for (const { event, outcome } of traded) {
    const { accountId, symbol } = event.data;
    const key = `${accountId} ${symbol}`;
    let position = gained.get(key);
    if (position === undefined) gained.set(key, (position = { accountId, symbol, minor: 0n }));
    for (const { realisedMinor } of outcome.executions) position.minor += realisedMinor;
  }
  const rows = [...gained.values()].map(({ accountId, symbol, minor }) => {
    const position = books.get(accountId)!.positions.get(symbol) ?? { lots: 0, costStepLots: 0n };
    return { accountId, symbol, lots: position.lots, cost: position.costStepLots.toString(), gained: minor.toString() };
  });
  if (rows.length === 0) return;
  transaction.add(
    `INSERT INTO "exec_position" AS p ("account_id", "symbol", "lots", "cost", "realised")
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::numeric[], $5::bigint[])
     ON CONFLICT ("account_id", "symbol") DO UPDATE SET "lots" = EXCLUDED."lots", "cost" = EXCLUDED."cost",
       "realised" = p."realised" + EXCLUDED."realised"`,
    [
      rows.map((row) => row.accountId),
      rows.map((row) => row.symbol),
      rows.map((row) => row.lots),
      rows.map((row) => row.cost),
      rows.map((row) => row.gained),
    ],
  );
}

function insertOrders(transaction: Statements, { traded, nowMs }: AccountWrites): void {
  if (traded.length === 0) return;
  transaction.add(
    `INSERT INTO "exec_order" ("order_id", "tenant_id", "account_id", "signal_id", "webhook_id", "bot_id", "symbol", "side", "type",
                               "status", "quantity", "cum_qty", "leaves_qty", "avg_px", "created_at", "updated_at")
     SELECT t.*, $15::timestamptz, $15::timestamptz FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[],
            $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]) t`,
    [
      traded.map(({ outcome }) => outcome.order.orderId),
      traded.map(({ event }) => event.data.tenantId),
      traded.map(({ event }) => event.data.accountId),
      traded.map(({ event }) => event.data.signalId),
      traded.map(({ event }) => event.data.webhookId),
      traded.map(({ event }) => event.data.botId ?? null),
      traded.map(({ event }) => event.data.symbol),
      traded.map(({ event }) => event.data.action),
      traded.map(({ event }) => event.data.orderType),
      traded.map(({ outcome }) => outcome.order.ordStatus),
      traded.map(({ outcome: { order, instrument } }) => formatQuantity(order.orderQty, instrument)),
      traded.map(({ outcome: { order, instrument } }) => formatQuantity(order.cumQty, instrument)),
      traded.map(({ outcome: { order, instrument } }) => formatQuantity(order.leavesQty, instrument)),
      traded.map(({ outcome: { order, instrument } }) =>
        averageOf(order.filledStepLots, order.cumQty, instrument.priceDecimals),
      ),
      new Date(nowMs),
    ],
  );
}

function insertFills(transaction: Statements, { traded, nowMs }: AccountWrites): void {
  const fills = traded.flatMap(({ event, outcome, quoteId }) =>
    outcome.executions.map((execution) => ({ signal: event.data, execution, instrument: outcome.instrument, quoteId })),
  );
  if (fills.length === 0) return;
  transaction.add(
    `INSERT INTO "exec_fill" ("fill_id", "order_id", "tenant_id", "account_id", "signal_id", "symbol", "side", "last_qty", "last_px",
                              "commission", "realised", "quote_id", "executed_at")
     SELECT t.*, $13::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]) t`,
    [
      fills.map(({ execution }) => execution.execId),
      fills.map(({ execution }) => execution.order.orderId),
      fills.map(({ signal }) => signal.tenantId),
      fills.map(({ signal }) => signal.accountId),
      fills.map(({ signal }) => signal.signalId),
      fills.map(({ signal }) => signal.symbol),
      fills.map(({ signal }) => signal.action),
      fills.map(({ execution, instrument }) => formatQuantity(execution.lots, instrument)),
      fills.map(({ execution, instrument }) => formatPrice(execution.priceSteps, instrument)),
      fills.map(({ execution }) => formatDecimal(execution.commissionMinor, MINOR_DIGITS)),
      fills.map(({ execution }) => formatDecimal(execution.realisedMinor, MINOR_DIGITS)),
      fills.map(({ quoteId }) => quoteId),
      new Date(nowMs),
    ],
  );
}

function moveWaiting(transaction: Statements, { waitingAdded, waitingDone }: AccountWrites): void {
  if (waitingDone.length > 0) {
    transaction.add(
      `DELETE FROM "exec_waiting" w USING unnest($1::text[], $2::uuid[]) d("account_id", "webhook_id")
        WHERE w."account_id" = d."account_id" AND w."webhook_id" = d."webhook_id"`,
      [waitingDone.map((each) => each.accountId), waitingDone.map((each) => each.webhookId)],
    );
  }
  if (waitingAdded.length > 0) {
    transaction.add(
      `INSERT INTO "exec_waiting" ("account_id", "webhook_id", "partition", "sequence", "event", "deadline")
       SELECT * FROM unnest($1::text[], $2::uuid[], $3::int[], $4::bigint[], $5::text[], $6::timestamptz[])`,
      [
        waitingAdded.map((each) => each.accountId),
        waitingAdded.map((each) => each.waiting.event.data.webhookId),
        waitingAdded.map((each) => each.partition),
        waitingAdded.map((each) => each.waiting.sequence),
        waitingAdded.map((each) => JSON.stringify(each.waiting.event)),
        waitingAdded.map((each) => new Date(each.waiting.deadlineMs)),
      ],
    );
  }
}
