import { Inject, Injectable } from '@nestjs/common';
import { newId, type AccountControl } from '@tickwire/contracts';
import { partitionOfKey } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { idCursor, pageOf, type Page } from '../listing/page.js';
import { accountControlRecord, configChangedRecord } from '../outbox/configuration-records.js';
import { ConfigurationWriter, type Publish } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import { fieldRefused } from '../validation/body.pipe.js';
import type { AccountChange, AccountsQuery, NewAccount } from './account-requests.js';
import { formatDecimal, MINOR_DIGITS, parseMinor } from './amounts.js';

/** What the tenant has set up; live state is in {@link import('./account-state.js').AccountStates}. */
export interface Account {
  id: string;
  externalId: string | null;
  name: string;
  status: AccountControl['status'];
  currency: string;
  initialBalance: string;
  quoteSource: string;
  version: number;
  createdAt: Date;
}

type AccountRow = Omit<Account, 'initialBalance'> & { initialBalance: number };

const MOST_ACCOUNTS = 100_000;
const UNIQUE_VIOLATION = '23505';
const COLUMNS = `"id", "external_id" AS "externalId", "name", "status", "currency", "initial_balance" AS "initialBalance",
  "quote_source" AS "quoteSource", "version", "created_at" AS "createdAt"`;

@Injectable()
export class Accounts {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  /** @throws ProblemError SCHEMA, CONFLICT for an externalId that is taken, LIMIT_EXCEEDED */
  async create(by: Author, body: NewAccount): Promise<Account> {
    const { tenantId } = by;
    const minor = parseMinor(body.initialBalance);
    if (minor === undefined) {
      throw fieldRefused('initialBalance', 'INVALID_AMOUNT', 'at most two digits behind the point, below 2^53 cents');
    }
    const id = newId('acc');
    try {
      return await this.writer.change(async (db, publish) => {
        const world = await db.query(`SELECT FROM "world" WHERE "id" = $1`, [body.quoteSource]);
        if (world.rowCount === 0) throw fieldRefused('quoteSource', 'UNKNOWN_WORLD', 'there is no such world');
        const full = await db.query(`SELECT FROM "account" WHERE "tenant_id" = $1 OFFSET $2 LIMIT 1`, [
          tenantId,
          MOST_ACCOUNTS - 1,
        ]);
        if (full.rowCount !== 0)
          throw new ProblemError('LIMIT_EXCEEDED', `A tenant has at most ${MOST_ACCOUNTS} accounts.`);
        const { rows } = await db.query<AccountRow>(
          `INSERT INTO "account" ("id", "tenant_id", "external_id", "partition", "name", "currency", "initial_balance", "quote_source")
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING ${COLUMNS}`,
          [
            id,
            tenantId,
            body.externalId ?? null,
            partitionOfKey(id, this.host.log.partitionCount),
            body.name ?? '',
            body.currency,
            minor,
            body.quoteSource,
          ],
        );
        const account = toAccount(rows[0]!);
        const { externalId, initialBalance, currency, quoteSource } = account;
        const details = { externalId, initialBalance, currency, quoteSource };
        await this.audit.record(db, by, 'account.created', id, details);
        this.announce(publish, 'registered', tenantId, account);
        return account;
      });
    } catch (error) {
      if ((error as { code?: unknown }).code !== UNIQUE_VIOLATION) throw error;
      throw new ProblemError('CONFLICT', 'An account with this externalId exists.', {
        errors: [{ pointer: '/externalId', code: 'TAKEN', detail: 'another account of yours has it' }],
      });
    }
  }

  async list(tenantId: string, { limit, cursor, externalId }: AccountsQuery): Promise<Page<Account>> {
    const { rows } = await this.host.pool.query<AccountRow>(
      `SELECT ${COLUMNS} FROM "account"
        WHERE "tenant_id" = $1 AND ($2::text IS NULL OR "id" < $2) AND ($3::text IS NULL OR "external_id" = $3)
        ORDER BY "id" DESC LIMIT $4`,
      [tenantId, idCursor(cursor), externalId ?? null, limit + 1],
    );
    return pageOf(rows, limit, (account) => account.id, toAccount);
  }

  /** @throws ProblemError NOT_FOUND, for another tenant's account as for none */
  async find(tenantId: string, id: string): Promise<Account> {
    const { rows } = await this.host.pool.query<AccountRow>(
      `SELECT ${COLUMNS} FROM "account" WHERE "id" = $1 AND "tenant_id" = $2`,
      [id, tenantId],
    );
    if (rows[0] === undefined) throw unknownAccount();
    return toAccount(rows[0]);
  }

  /** The account that a sender means: our id, or the tenant's own number. @returns its id */
  async resolve(tenantId: string, given: string): Promise<string | undefined> {
    const { rows } = await this.host.pool.query<{ id: string }>(
      `SELECT "id" FROM "account" WHERE "tenant_id" = $1 AND ("id" = $2 OR "external_id" = $2) ORDER BY "id" = $2 DESC LIMIT 1`,
      [tenantId, given],
    );
    return rows[0]?.id;
  }

  /** The same status again changes nothing. @throws ProblemError NOT_FOUND, CONFLICT for a closed account */
  changeStatus(by: Author, id: string, { status }: AccountChange): Promise<Account> {
    const { tenantId } = by;
    return this.writer.change(async (db, publish) => {
      const present = await db.query<AccountRow>(
        `SELECT ${COLUMNS} FROM "account" WHERE "id" = $1 AND "tenant_id" = $2 FOR NO KEY UPDATE`,
        [id, tenantId],
      );
      if (present.rows[0] === undefined) throw unknownAccount();
      if (present.rows[0].status === status) return toAccount(present.rows[0]);
      if (present.rows[0].status === 'closed') throw new ProblemError('CONFLICT', 'A closed account stays closed.');
      const { rows } = await db.query<AccountRow>(
        `UPDATE "account" SET "status" = $2, "version" = "version" + 1 WHERE "id" = $1 RETURNING ${COLUMNS}`,
        [id, status],
      );
      const account = toAccount(rows[0]!);
      await this.audit.record(db, by, 'account.status_changed', id, { from: present.rows[0].status, to: status });
      this.announce(publish, 'status', tenantId, account);
      return account;
    });
  }

  private announce(publish: Publish, kind: AccountControl['kind'], tenantId: string, account: Account): void {
    const { id, version, status, currency, initialBalance, quoteSource } = account;
    const nowMs = this.host.now();
    publish(
      accountControlRecord(
        { kind, accountId: id, tenantId, status, currency, initialBalance, quoteSource, version },
        nowMs,
      ),
      configChangedRecord({ entity: 'account', id, tenantId, version }, nowMs),
    );
  }
}

function toAccount(row: AccountRow): Account {
  return { ...row, initialBalance: formatDecimal(row.initialBalance, MINOR_DIGITS) };
}

function unknownAccount(): ProblemError {
  return new ProblemError('NOT_FOUND', 'There is no such account.');
}
