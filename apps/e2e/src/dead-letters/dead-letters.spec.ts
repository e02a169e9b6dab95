import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  createEvent,
  deadLetterTopic,
  signalEventId,
  webhookReceived,
  type WebhookReceived,
} from '@tickwire/contracts';
import { PostgresEventLog, readDeadLetter, type DeadLetter } from '@tickwire/event-log';
import { createPool } from '@tickwire/persistence';
import type { DevFile } from '@tickwire/standalone';
import { eventually, recordsOf } from '@tickwire/testing';
import { pino } from 'pino';
import { freePorts } from '../exactly-once/free-ports.js';
import { Oracle } from '../exactly-once/oracle.js';
import { SignalSender } from '../exactly-once/signal-sender.js';
import { StandaloneProcess } from '../exactly-once/standalone-process.js';
import { ApiCalls } from '../worlds/api-calls.js';
import { malformedRecords } from './malformed-records.js';
import { tickwire } from './tickwire-command.js';

/** Waits, on a busy machine too. */
const soon = <T>(read: () => Promise<T>, enough: (value: T) => boolean): Promise<T> => eventually(read, enough, 40_000);

describe('dead letters of the running system', () => {
  let dataDir: string;
  let system: StandaloneProcess;
  let dev: DevFile;
  let tenant: ApiCalls;
  let pool: ReturnType<typeof createPool>;
  let log: PostgresEventLog;
  let sender: SignalSender;
  let oracle: Oracle;

  const lettersOn = async (topic: string): Promise<DeadLetter[]> =>
    (await recordsOf(log, deadLetterTopic(topic))).map((record) => readDeadLetter(record)!);
  const validatorsLetter = async (key: string): Promise<DeadLetter | undefined> => {
    const { stdout } = await tickwire(dataDir, 'dead', 'list', '--topic', 'webhook.received', '--json');
    const { data } = JSON.parse(stdout) as { data: (DeadLetter & { key: string })[] };
    return data.find((letter) => letter.group.startsWith('validator') && letter.key === key && !known.has(letter.id));
  };
  /** Letters of earlier tests. */
  const known = new Set<string>();
  const finals = async (signalId: string): Promise<string[]> => {
    const { rows } = await pool.query<{ type: string }>(
      `SELECT "type" FROM "lifecycle_event" WHERE "account_id" = $1 AND "signal_id" = $2 AND "final"`,
      [dev.accountId, signalId],
    );
    return rows.map(({ type }) => type);
  };
  const executions = async (): Promise<number> => (await oracle.judge(dev.accountId!, [])).executions;
  const signal = (signalId: string): WebhookReceived => ({
    webhookId: signalEventId(dev.tenantId!, dev.accountId!, signalId),
    tenantId: dev.tenantId!,
    accountId: dev.accountId!,
    botId: dev.botId!,
    signalId,
    symbol: dev.symbol!,
    action: 'buy',
    quantity: '1',
    orderType: 'market',
    receivedAt: new Date().toISOString(),
    scheme: 'standard-webhooks',
  });
  const received = (data: WebhookReceived): string =>
    JSON.stringify(
      createEvent(webhookReceived, {
        id: data.webhookId,
        source: 'ingress',
        subject: data.signalId,
        tenantId: data.tenantId,
        accountId: data.accountId,
        correlationId: data.webhookId,
        timeMs: Date.now(),
        data,
      }),
    );
  const append = (value: string): Promise<void> =>
    log.append([{ topic: webhookReceived.topic, key: dev.accountId!, value }]);

  beforeAll(async () => {
    dataDir = mkdtempSync(path.join(tmpdir(), 'tickwire-dead-'));
    system = new StandaloneProcess(dataDir, await freePorts(4), ['--tick-ms', '500']);
    dev = await system.start();
    const connectionString = system.databaseUrl;
    tenant = new ApiCalls(dev.apiUrl, dev.apiKey!);
    pool = createPool({ connectionString, applicationName: 'dead-letters-spec', max: 2 });
    const logger = pino({ level: 'silent' });
    log = await PostgresEventLog.connect({ pool, connectionString, clientId: 'dead-letters-spec', log: logger });
    sender = new SignalSender(dev);
    oracle = new Oracle(connectionString);
  }, 180_000);

  afterAll(async () => {
    await sender?.close();
    await oracle?.close();
    await log?.close();
    await pool?.end();
    await system?.remove();
  }, 180_000);

  it('buries a malformed record of every topic, once for each of its readers, with the reason', async () => {
    const ids = {
      tenantId: dev.tenantId!,
      accountId: dev.accountId!,
      worldId: dev.worldId!,
      agentId: dev.agents[0]!.agentId,
    };
    const malformed = malformedRecords(ids);
    expect(new Set(malformed.map(({ reason }) => reason)).size).toBe(6);
    await log.append(malformed.map(({ record }) => record));
    for (const { definition, reason } of malformed) {
      const readers = new Set(definition.consumers);
      const buriedBy = (letters: DeadLetter[]) => new Set(letters.map(({ group }) => group.split('.')[0]));
      const letters = await soon(
        () => lettersOn(definition.topic),
        (seen) => readers.isSubsetOf(buriedBy(seen)),
      );
      for (const letter of letters) {
        expect(letter).toMatchObject({
          topic: definition.topic,
          reason,
          message: expect.stringMatching(/./) as string,
        });
        known.add(letter.id);
      }
      // No reader buries it twice, under whatever id.
      expect(letters.map(({ group }) => group)).toHaveLength(new Set(letters.map(({ group }) => group)).size);
    }
  }, 180_000);

  it('goes on behind them: a signal trades, agents get their ticks, a new agent joins its world', async () => {
    const sent = await sender.send(20, { concurrency: 10 });
    // The demo's own first signal is one more.
    expect(await oracle.judge(dev.accountId!, sent)).toMatchObject({
      final: 20,
      lost: [],
      doubled: [],
      executions: 21,
    });
    const delivered = async (): Promise<number> =>
      (await tenant.get<{ webhookSuccessCount: number }>(`agents/${dev.agents[0]!.agentId}`)).webhookSuccessCount;
    const before = await delivered();
    await soon(delivered, (count) => count > before);
    const { agentId } = await tenant.post<{ agentId: string }>('agents', {
      worldId: dev.worldId,
      name: 'newcomer',
      role: 'quant',
    });
    await soon(
      () => tenant.get<{ view: object | null }>(`agents/${agentId}`),
      ({ view }) => view !== null,
    );
    const notified = async (): Promise<number> => {
      const { rows } = await pool.query<{ n: string }>(
        `SELECT count(*) AS "n" FROM "callback_delivery" d JOIN "lifecycle_event" e ON e."event_id" = d."event_id"
          WHERE d."status" = 'delivered' AND e."final" AND e."webhook_id" = ANY($1)`,
        [sent.map(({ webhookId }) => webhookId)],
      );
      return Number(rows[0]!.n);
    };
    await soon(notified, (count) => count === sent.length);
  }, 180_000);

  describe('of a signal whose identity could not be read', () => {
    const signalId = 'mended-1';
    let letter: DeadLetter;
    let file: string;

    it('are listed with place and reason, and shown with the bytes that died', async () => {
      const broken = received(signal(signalId)).slice(0, -20);
      await append(broken);
      letter = (await soon(() => validatorsLetter(dev.accountId!), Boolean))!;
      known.add(letter.id);
      const listed = await tickwire(dataDir, 'dead', 'list');
      expect(listed.code).toBe(0);
      const { topic, partition, offset, id } = letter;
      expect(listed.stdout).toContain(`${topic}/${partition}@${offset}`);
      expect(listed.stdout.split('\n').find((line) => line.startsWith(id))).toContain('NOT_JSON');
      const shown = await tickwire(dataDir, 'dead', 'show', id, '--json');
      expect(JSON.parse(shown.stdout)).toMatchObject({ id, value: broken, encoding: 'utf8', key: dev.accountId });
      expect(await finals(signalId)).toEqual([]);
    }, 180_000);

    it('are not replayed as they are: the command says why', async () => {
      const { code, stderr } = await tickwire(dataDir, 'dead', 'replay', letter.id);
      expect(code).not.toBe(0);
      expect(stderr).toContain('not JSON');
    }, 180_000);

    it('trade once replayed with a mended value', async () => {
      const before = await executions();
      file = path.join(dataDir, 'mended.json');
      writeFileSync(file, received(signal(signalId)));
      const { code, stdout } = await tickwire(dataDir, 'dead', 'replay', letter.id, '--value-file', file);
      expect([code, stdout]).toEqual([0, expect.stringContaining('Replayed, mended: webhook.received')]);
      await soon(
        () => finals(signalId),
        (types) => types.length > 0,
      );
      expect(await finals(signalId)).toEqual(['webhook.trade_executed']);
      expect(await executions()).toBe(before + 1);
    }, 180_000);

    it('do nothing when replayed again, now that the signal is final, and the command says so', async () => {
      const before = await executions();
      const { code, stderr } = await tickwire(dataDir, 'dead', 'replay', letter.id, '--value-file', file);
      expect([code, stderr]).toEqual([1, expect.stringContaining('final event')]);
      // A later signal of the account would come after whatever the replay had set off.
      await oracle.judge(dev.accountId!, await sender.send(1));
      expect(await finals(signalId)).toEqual(['webhook.trade_executed']);
      expect(await executions()).toBe(before + 1);
    }, 180_000);
  });

  it('give a signal whose identity can be read its end at once, and a replay does not trade it', async () => {
    const signalId = 'identity-readable';
    const { quantity: _left, ...data } = signal(signalId);
    await append(received(data as WebhookReceived));
    await soon(
      () => finals(signalId),
      (types) => types.length > 0,
    );
    expect(await finals(signalId)).toEqual(['webhook.failed']);
    const letter = (await soon(() => validatorsLetter(dev.accountId!), Boolean))!;
    expect(letter.reason).toBe('SCHEMA');
    const before = await executions();
    const file = path.join(dataDir, 'whole.json');
    writeFileSync(file, received(signal(signalId)));
    const { code, stdout } = await tickwire(dataDir, 'dead', 'replay', letter.id, '--value-file', file, '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'ALREADY_FINAL' } });
    await oracle.judge(dev.accountId!, await sender.send(1));
    expect(await finals(signalId)).toEqual(['webhook.failed']);
    expect(await executions()).toBe(before + 1);
  }, 180_000);
});
