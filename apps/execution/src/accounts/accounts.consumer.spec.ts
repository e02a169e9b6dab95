import {
  accountControl,
  createEvent,
  encodeEvent,
  marketQuote,
  signalEventId,
  webhookFailed,
  webhookTradeExecuted,
  webhookValidated,
  type AccountControl,
  type WebhookValidated,
} from '@tickwire/contracts';
import type { NewRecord } from '@tickwire/event-log';
import type { RunningApp } from '@tickwire/runtime';
import { eventsOn, eventually, recordsOf, testHost, type TestHost } from '@tickwire/testing';
import { ExecutionConfig } from '../execution.config.js';
import { startExecution } from '../start-execution.js';

const ACCOUNT: AccountControl = {
  ...accountControl.sample,
  accountId: 'acc_spec',
  tenantId: 'ten_spec',
  quoteSource: 'wld_spec',
};

const accountRecord = (change: Partial<AccountControl> = {}): NewRecord => {
  const data = { ...ACCOUNT, ...change };
  return encodeEvent(
    accountControl,
    createEvent(accountControl, { id: data.accountId, source: 'api', subject: data.accountId, timeMs: 0, data }),
  );
};

const signalRecord = (signalId: string, change: Partial<WebhookValidated> = {}): NewRecord => {
  const identity = { tenantId: 'ten_spec', accountId: 'acc_spec', signalId, ...change };
  const webhookId = signalEventId(identity.tenantId, identity.accountId, signalId);
  const data: WebhookValidated = {
    ...webhookValidated.sample,
    symbol: 'ACME',
    quantity: '10',
    botId: undefined,
    ...identity,
    webhookId,
  };
  return encodeEvent(
    webhookValidated,
    createEvent(webhookValidated, {
      id: webhookId.replace(/^./, 'e'),
      source: 'validator',
      subject: signalId,
      timeMs: 0,
      data,
    }),
  );
};

const quoteRecord = (step: number, quotedAtMs: number, bid = '99.98', ask = '100.02', stepMs = 1000): NewRecord => {
  const quotes = [{ symbol: 'ACME', bid, ask }];
  const data = {
    quoteId: `wld_spec:${step}`,
    source: 'wld_spec',
    step,
    stepMs,
    quotedAt: new Date(quotedAtMs).toISOString(),
    quotes,
  };
  return encodeEvent(
    marketQuote,
    createEvent(marketQuote, { id: data.quoteId, source: 'execution', subject: 'wld_spec', timeMs: quotedAtMs, data }),
  );
};

describe('accounts', () => {
  let host: TestHost;
  let app: RunningApp;
  const config = Object.assign(new ExecutionConfig(), { ROLE: 'accounts' });
  const executed = () => eventsOn(host.log, webhookTradeExecuted);
  const failed = () => eventsOn(host.log, webhookFailed);
  const position = async (): Promise<number> =>
    Number(
      (await host.pool.query<{ lots: number }>(`SELECT "lots" FROM "exec_position" WHERE "account_id" = 'acc_spec'`))
        .rows[0]?.lots ?? 0,
    );

  beforeEach(async () => {
    host = await testHost('execution');
    app = await startExecution(config, host);
  });

  afterEach(async () => {
    await app.stop();
    await host.close();
  });

  it('fills a market order at the ask with slippage, books it, and ends the signal with a final event', async () => {
    await host.log.append([quoteRecord(1, Date.now()), accountRecord()]);
    await host.log.append([signalRecord('s1')]);
    const [trade] = await eventually(executed, (events) => events.length === 1);
    expect(trade).toMatchObject({
      type: 'webhook.trade_executed',
      tenantid: 'ten_spec',
      accountid: 'acc_spec',
      correlationid: trade!.data.webhookId,
      data: {
        side: 'buy',
        orderQty: '10',
        lastQty: '10',
        cumQty: '10',
        leavesQty: '0',
        ordStatus: 'filled',
        final: true,
        referencePrice: '100.02',
        positionQty: '10',
      },
    });
    expect(Number(trade!.data.lastPx)).toBeCloseTo(100.02 + Number(trade!.data.slippage), 6);
    expect(Number(trade!.data.slippage)).toBeGreaterThanOrEqual(0);
    expect(await position()).toBe(10);
    const { rows } = await host.pool.query('SELECT "status", "cum_qty" FROM "exec_order"');
    expect(rows).toEqual([{ status: 'filled', cum_qty: '10' }]);
  });

  it('trades on the quote of a world that stands, long after the log has dropped it, and on a later one once it moves', async () => {
    await app.stop();
    const held = (worldId: string, quote: string) =>
      host.pool.query(
        `INSERT INTO "world_state" ("world_id", "partition", "tick", "hash", "closed_at", "settings", "held_quote")
         VALUES ($1, 0, 1, 'h', now(), '{}', $2)`,
        [worldId, quote],
      );
    await held('wld_spec', quoteRecord(7, Date.now() - 86_400_000, '49.98', '50.02', 0).value.toString());
    await held('wld_unreadable', '{"specversion":"1.0"}');
    app = await startExecution(config, host);
    await host.log.append([accountRecord()]);
    await host.log.append([signalRecord('s1')]);
    const [trade] = await eventually(executed, (events) => events.length === 1);
    expect(trade!.data).toMatchObject({ quoteId: 'wld_spec:7', referencePrice: '50.02', final: true });
    await host.log.append([quoteRecord(8, Date.now())]);
    await eventually(
      async () => {
        await host.log.append([signalRecord(`s${Math.random()}`)]);
        return (await executed()).at(-1)!.data.quoteId;
      },
      (quoteId) => quoteId === 'wld_spec:8',
    );
  });

  it('executes a signal once, however often and in whatever batch it comes', async () => {
    await host.log.append([quoteRecord(1, Date.now()), accountRecord()]);
    await host.log.append([signalRecord('s1'), signalRecord('s1'), signalRecord('s2')]);
    await eventually(executed, (events) => events.length === 2);
    await host.log.append([signalRecord('s1'), signalRecord('s3')]);
    await eventually(executed, (events) => events.length === 3);
    expect(await position()).toBe(30);
  });

  it('realises profit on the way back and keeps balance + fees = deposits + realised', async () => {
    await host.log.append([quoteRecord(1, Date.now()), accountRecord()]);
    await host.log.append([signalRecord('buy')]);
    await eventually(executed, (events) => events.length === 1);
    await host.log.append([quoteRecord(2, Date.now(), '109.98', '110.02')]);
    await eventually(
      async () => (await host.pool.query('SELECT FROM "log_record" WHERE "topic" = \'market.quote\'')).rowCount!,
      (n) => n === 2,
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await host.log.append([signalRecord('sell', { action: 'sell' })]);
    const trades = await eventually(executed, (events) => events.length === 2);
    const [bought, sold] = trades.map(({ data }) => data) as [(typeof trades)[0]['data'], (typeof trades)[0]['data']];
    const profit = (Number(sold.lastPx) - Number(bought.lastPx)) * 10;
    expect(Number(sold.realisedPnl)).toBeCloseTo(profit, 6);
    expect(Number(sold.balance)).toBeCloseTo(100_000 + profit, 6);
    expect(sold.positionQty).toBe('0');
  });

  it('lets a signal wait for a fresh quote, keeps the order of its account, and goes on when one comes', async () => {
    await host.log.append([accountRecord(), quoteRecord(1, Date.now() - 60_000)]);
    await host.log.append([signalRecord('s1'), signalRecord('s2')]);
    await eventually(
      async () => (await host.pool.query('SELECT FROM "exec_waiting"')).rowCount,
      (n) => n === 2,
    );
    expect(await executed()).toEqual([]);
    await host.log.append([quoteRecord(2, Date.now())]);
    const trades = await eventually(executed, (events) => events.length === 2);
    expect(trades.map(({ data }) => data.signalId)).toEqual(['s1', 's2']);
    expect((await host.pool.query('SELECT FROM "exec_waiting"')).rowCount).toBe(0);
    const { rows } = await host.pool.query(`SELECT "cause" FROM "cause" WHERE "cause" ->> 'kind' <> 'records'`);
    expect(rows).toEqual([{ cause: { kind: 'quote', quoteId: 'wld_spec:2' } }]);
  });

  it('fails what has waited 30 s with STALE_QUOTE, after a restart too', async () => {
    await host.log.append([accountRecord(), signalRecord('s1')]);
    await eventually(
      async () => (await host.pool.query('SELECT FROM "exec_waiting"')).rowCount,
      (n) => n === 1,
    );
    await app.stop();
    host.clock.nowMs = Date.now() + 31_000;
    app = await startExecution(config, host);
    const [failure] = await eventually(failed, (events) => events.length === 1);
    expect(failure!.data).toMatchObject({
      code: 'STALE_QUOTE',
      stage: 'execution',
      final: true,
      accepted: true,
      signalId: 's1',
    });
  });

  it('resumes with the same state after a restart, and continues where it was', async () => {
    await host.log.append([quoteRecord(1, Date.now()), accountRecord(), signalRecord('s1')]);
    await eventually(executed, (events) => events.length === 1);
    await app.stop();
    await host.log.append([signalRecord('s2')]);
    app = await startExecution(config, host);
    await host.log.append([quoteRecord(2, Date.now())]);
    const trades = await eventually(executed, (events) => events.length === 2);
    expect(trades.find(({ data }) => data.signalId === 's2')!.data.positionQty).toBe('20');
  });

  it('refuses with authority what the validator could not know', async () => {
    await host.log.append([
      quoteRecord(1, Date.now()),
      accountRecord(),
      accountRecord({ kind: 'status', status: 'suspended', version: 2 }),
    ]);
    await eventually(
      async () => (await host.pool.query(`SELECT FROM "exec_account" WHERE "status" = 'suspended'`)).rowCount,
      (n) => n === 1,
    );
    await host.log.append([signalRecord('s1'), signalRecord('s2', { accountId: 'acc_unheard' })]);
    const failures = await eventually(failed, (events) => events.length === 2);
    expect(failures.map(({ data }) => data.code).sort()).toEqual(['ACCOUNT_INACTIVE', 'UNKNOWN_ACCOUNT']);
    await host.log.append([accountRecord({ kind: 'status', status: 'active', version: 1 }), signalRecord('s3')]);
    await eventually(failed, (events) => events.length === 3);
  });

  it('buries a broken record, ends its signal with INTERNAL where that can be read, and goes on', async () => {
    const broken = { ...signalRecord('s1') };
    broken.value = broken.value.toString().replace('"quantity":"10"', '"quantity":"ten"');
    await host.log.append([quoteRecord(1, Date.now()), accountRecord(), broken, signalRecord('s2')]);
    await eventually(executed, (events) => events.length === 1);
    const failures = await failed();
    expect(failures.map(({ data }) => [data.signalId, data.code, data.final])).toEqual([['s1', 'INTERNAL', true]]);
    expect(await recordsOf(host.log, 'webhook.validated.dead')).toHaveLength(1);
    await host.log.append([signalRecord('s1')]);
    await host.log.append([signalRecord('s3')]);
    await eventually(executed, (events) => events.length === 2);
    expect((await executed()).map(({ data }) => data.signalId).sort()).toEqual(['s2', 's3']);
  });
});
