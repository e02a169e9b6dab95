import {
  createEvent,
  encodeEvent,
  signalEventId,
  webhookFailed,
  webhookReceived,
  webhookValidated,
  type WebhookReceived,
} from '@tickwire/contracts';
import type { NewRecord } from '@tickwire/event-log';
import { createWorld } from '@tickwire/market';
import type { RunningApp } from '@tickwire/runtime';
import { eventsOn, eventually, recordsOf, testHost, type TestHost } from '@tickwire/testing';
import { startValidator } from '../start-validator.js';
import { ValidatorConfig } from '../validator.config.js';

const WORLD = { seed: 'spec', companies: 5, tickMs: 1000, shards: 4 };
const SYMBOL = createWorld({ worldId: 'wld_spec', ...WORLD }).companies()[0]!.symbol;

const received = (signalId: string, change: Partial<WebhookReceived> = {}): NewRecord => {
  const identity = { tenantId: 'ten_spec', accountId: 'acc_spec', signalId, ...change };
  const webhookId = signalEventId(identity.tenantId, identity.accountId, signalId);
  const { timestamp: _timestamp, strategyName: _strategy, ...sample } = webhookReceived.sample;
  const data: WebhookReceived = { ...sample, symbol: SYMBOL, botId: undefined, ...identity, webhookId };
  return encodeEvent(
    webhookReceived,
    createEvent(webhookReceived, {
      id: webhookId,
      source: 'ingress',
      subject: signalId,
      timeMs: 0,
      tenantId: data.tenantId,
      data,
    }),
  );
};

describe('the validator', () => {
  let host: TestHost;
  let app: RunningApp;
  const validated = () => eventsOn(host.log, webhookValidated);
  const failed = () => eventsOn(host.log, webhookFailed);

  beforeEach(async () => {
    host = await testHost('validator');
    const { pool } = host;
    await pool.query(
      `INSERT INTO "tenant" ("id", "name", "status") VALUES ('ten_spec', 'spec', 'active'), ('ten_gone', 'gone', 'suspended')`,
    );
    await pool.query(`INSERT INTO "world" ("id", "partition", "name", "settings") VALUES ('wld_spec', 0, 'spec', $1)`, [
      WORLD,
    ]);
    await pool.query(
      `INSERT INTO "account" ("id", "tenant_id", "partition", "initial_balance", "quote_source", "status")
       VALUES ('acc_spec', 'ten_spec', 0, 0, 'wld_spec', 'active'), ('acc_closed', 'ten_spec', 0, 0, 'wld_spec', 'closed'),
              ('acc_gone', 'ten_gone', 0, 0, 'wld_spec', 'active')`,
    );
    await pool.query(
      `INSERT INTO "bot" ("id", "tenant_id", "status", "account_ids")
       VALUES ('bot_any', 'ten_spec', 'active', NULL), ('bot_off', 'ten_spec', 'disabled', NULL),
              ('bot_other', 'ten_spec', 'active', '{acc_closed}'), ('bot_foreign', 'ten_gone', 'active', NULL)`,
    );
    app = await startValidator(new ValidatorConfig(), host);
  });

  afterEach(async () => {
    await app.stop();
    await host.close();
  });

  it('passes an allowed signal on, with an id that follows from its cause', async () => {
    await host.log.append([received('s1', { botId: 'bot_any' })]);
    const [event] = await eventually(validated, (events) => events.length === 1);
    expect(event).toMatchObject({
      causationid: event!.data.webhookId,
      data: { signalId: 's1', symbol: SYMBOL, quantity: '10' },
    });
    expect(event!.data).not.toHaveProperty('scheme');
  });

  it.each<[string, Partial<WebhookReceived>]>([
    ['TENANT_INACTIVE', { tenantId: 'ten_gone', accountId: 'acc_gone' }],
    ['UNKNOWN_ACCOUNT', { accountId: 'acc_unheard' }],
    ['UNKNOWN_ACCOUNT', { accountId: 'acc_gone' }],
    ['ACCOUNT_INACTIVE', { accountId: 'acc_closed' }],
    ['UNKNOWN_BOT', { botId: 'bot_unheard' }],
    ['UNKNOWN_BOT', { botId: 'bot_foreign' }],
    ['BOT_INACTIVE', { botId: 'bot_off' }],
    ['BOT_NOT_PERMITTED', { botId: 'bot_other' }],
    ['UNKNOWN_SYMBOL', { symbol: 'NOPE' }],
    ['UNSUPPORTED', { orderType: 'limit', price: '10' }],
    ['UNSUPPORTED', { stopLoss: '10' }],
    ['INVALID_QUANTITY', { quantity: '1.5' }],
    ['INVALID_QUANTITY', { quantity: '0' }],
    ['INVALID_QUANTITY', { quantity: '-1' }],
  ])('refuses with %s: %j', async (code, change) => {
    await host.log.append([received('s1', change)]);
    const [event] = await eventually(failed, (events) => events.length === 1);
    expect(event!.data).toMatchObject({ code, stage: 'validator', accepted: true, final: true, signalId: 's1' });
    expect(await validated()).toEqual([]);
  });

  it('repeats the stored verdict for a copy, never a new one, even when the facts have changed', async () => {
    await host.log.append([received('s1'), received('s1')]);
    await eventually(validated, (events) => events.length === 2);
    await host.pool.query(`UPDATE "account" SET "status" = 'closed' WHERE "id" = 'acc_spec'`);
    await host.log.append([received('s1'), received('s2')]);
    const events = await eventually(validated, (all) => all.length === 3);
    expect(new Set(events.map((event) => JSON.stringify(event))).size).toBe(1);
    const [refused] = await eventually(failed, (all) => all.length === 1);
    expect(refused!.data).toMatchObject({ signalId: 's2', code: 'ACCOUNT_INACTIVE' });
    expect((await host.pool.query('SELECT FROM "verdict"')).rowCount).toBe(2);
  });

  it('buries a record that is no event, gives its signal a final INTERNAL where it can be read, and keeps that verdict', async () => {
    const mended = received('s1');
    const broken = { ...mended, value: mended.value.toString().replace('"action":"buy"', '"action":"hold"') };
    await host.log.append([{ topic: 'webhook.received', key: 'acc_spec', value: 'no event' }, broken, received('s2')]);
    await eventually(validated, (events) => events.length === 1);
    expect(await recordsOf(host.log, 'webhook.received.dead')).toHaveLength(2);
    expect((await failed()).map(({ data }) => [data.signalId, data.code])).toEqual([['s1', 'INTERNAL']]);
    await host.log.append([mended, received('s3')]);
    await eventually(validated, (events) => events.length === 2);
    expect((await validated()).map(({ data }) => data.signalId).sort()).toEqual(['s2', 's3']);
  });

  it('continues behind what it has decided after a restart', async () => {
    await host.log.append([received('s1')]);
    await eventually(validated, (events) => events.length === 1);
    await app.stop();
    await host.log.append([received('s2')]);
    app = await startValidator(new ValidatorConfig(), host);
    const events = await eventually(validated, (all) => all.length === 2);
    expect(events.map(({ data }) => data.signalId).sort()).toEqual(['s1', 's2']);
  });
});
