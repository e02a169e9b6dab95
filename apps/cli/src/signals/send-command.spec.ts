import { schemaOf, SignalRequest } from '@tickwire/contracts';
import { formatWebhookSecret, parseWebhookSecret, verifyStandardWebhook } from '@tickwire/signing';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tickwire, type RunOptions } from '../../fixtures/command-line.js';
import {
  problem,
  startStage,
  type SeenRequest,
  type StagedAnswer,
  type StageServer,
} from '../../fixtures/stage-server.js';
import { FLAG_OF } from './signal-options.js';

const SECRET = formatWebhookSecret(Buffer.alloc(32, 7));
const API_KEY = 'tw_test_0123456789abcdef';
const WEBHOOK_ID = '0190f5c2-0000-7000-8000-000000000001';
const SIGNAL = ['--tenant', 'ten_1', '--account', 'acc_1', '--symbol', 'ACME', '--action', 'buy', '--quantity', '2.50'];

describe('tickwire send', () => {
  let stage: StageServer;
  let folder: string;
  beforeAll(async () => {
    stage = await startStage();
    folder = await mkdtemp(join(tmpdir(), 'tickwire-cli-'));
  });
  afterAll(async () => {
    await stage.close();
    await rm(folder, { recursive: true });
  });

  const accepted = (): StagedAnswer => ({
    status: 202,
    body: {
      webhookId: WEBHOOK_ID,
      signalId: 's-1',
      status: 'received',
      statusUrl: `${stage.url}/api/v1/signals/${WEBHOOK_ID}?t=token`,
    },
  });
  const status = (status: string, final: boolean, more: object = {}): StagedAnswer => ({
    status: 200,
    body: {
      webhookId: WEBHOOK_ID,
      status,
      final,
      timeline: [{ type: 'webhook.received', at: '2026-01-31T09:30:00.000Z' }],
      fills: [],
      ...more,
    },
  });
  const send = (args: string[], options: RunOptions = {}) =>
    tickwire(['send', ...args], {
      ...options,
      env: { TICKWIRE_INGRESS_URL: stage.url, TICKWIRE_SIGNING_SECRET: SECRET, ...options.env },
    });
  const verdictOn = ({ headers, body }: SeenRequest) =>
    verifyStandardWebhook({
      id: headers['webhook-id'] as string,
      timestamp: headers['webhook-timestamp'] as string,
      signature: headers['webhook-signature'] as string,
      body,
      keys: [parseWebhookSecret(SECRET)],
      nowMs: Date.now(),
      toleranceMs: 60_000,
    });

  it('has a flag for every field of a signal', () => {
    expect(Object.keys(FLAG_OF).sort()).toEqual(Object.keys(schemaOf(SignalRequest)['properties'] as object).sort());
  });

  it('signs what it sends, and keeps the digits as they were typed', async () => {
    stage.play(accepted);
    const flags = ['--type', 'limit', '--price', '101.10', '--signal-id', 's-1', '--bot', 'bot_1', '--strategy', 'Ünï'];
    const run = await send([...SIGNAL, ...flags]);
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toContain('accepted: signal s-1');
    expect(stage.seen).toHaveLength(1);
    const [request] = stage.seen;
    expect([request!.method, request!.path]).toEqual(['POST', '/api/v1/webhooks/signals']);
    expect(verdictOn(request!)).toEqual({ ok: true, keyIndex: 0 });
    expect(JSON.parse(request!.body.toString('utf8'))).toEqual({
      tenantId: 'ten_1',
      accountId: 'acc_1',
      symbol: 'ACME',
      action: 'buy',
      quantity: '2.50',
      orderType: 'limit',
      price: '101.10',
      botId: 'bot_1',
      strategyName: 'Ünï',
      signalId: 's-1',
    });
  });

  it('sends an API key instead of a signature, one credential only', async () => {
    stage.play(accepted);
    const run = await send([...SIGNAL, '--auth', 'api-key', '--webhook-id', 'n-1'], {
      env: { TICKWIRE_API_KEY: API_KEY },
    });
    expect(run.code).toBe(0);
    const { headers } = stage.seen[0]!;
    expect([headers.authorization, headers['idempotency-key']]).toEqual([`Bearer ${API_KEY}`, 'n-1']);
    expect(headers['webhook-signature']).toBeUndefined();
  });

  it('sends a whole body from stdin or a file, byte for byte', async () => {
    stage.play(accepted);
    const body = '{ "tenantId": "ten_1",  "quantity": 1.0 }\n';
    const file = join(folder, 'signal.json');
    await writeFile(file, body);
    expect((await send(['--body', '-'], { stdin: body })).code).toBe(0);
    expect((await send(['--body', file])).code).toBe(0);
    expect(stage.seen.map((request) => [request.body.toString('utf8'), verdictOn(request).ok])).toEqual([
      [body, true],
      [body, true],
    ]);
  });

  it('takes everything from the dev.json of a running npm start; flags win', async () => {
    stage.play(accepted);
    await mkdir(join(folder, '.tickwire'), { recursive: true });
    const dev = {
      ingressUrl: stage.url,
      apiUrl: stage.url,
      adminToken: 'tw_admin_x',
      tenantId: 'ten_d',
      accountId: 'acc_d',
      botId: 'bot_d',
    };
    const more = { apiKey: API_KEY, signingSecret: SECRET, symbol: 'DEVS', worldId: 'wld_1', agents: [] };
    await writeFile(join(folder, '.tickwire', 'dev.json'), JSON.stringify({ ...dev, ...more }));
    const run = await tickwire(['send', '--from-dev', '--quantity', '3'], { cwd: folder });
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(verdictOn(stage.seen[0]!).ok).toBe(true);
    expect(JSON.parse(stage.seen[0]!.body.toString('utf8'))).toEqual({
      tenantId: 'ten_d',
      accountId: 'acc_d',
      botId: 'bot_d',
      symbol: 'DEVS',
      action: 'buy',
      quantity: '3',
    });
  });

  it('sends again after 503, a cut connection and IN_FLIGHT: same nonce, same bytes, each attempt validly signed', async () => {
    const answers = [
      problem(503, 'LOG_UNAVAILABLE', 'unknown'),
      'hang up' as const,
      problem(409, 'IN_FLIGHT', 'wait'),
      accepted(),
    ];
    stage.play(() => answers[stage.seen.length - 1]!);
    const run = await send([...SIGNAL, '--json']);
    expect(run.code).toBe(0);
    expect(run.json()).toMatchObject({ webhookId: WEBHOOK_ID, signalId: 's-1', attempts: 4, replayed: false });
    expect(stage.seen).toHaveLength(4);
    expect(stage.seen.every((request) => verdictOn(request).ok)).toBe(true);
    expect(new Set(stage.seen.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([run.json().nonce]));
    expect(new Set(stage.seen.map(({ body }) => body.toString('utf8'))).size).toBe(1);
  });

  it('gives up after its attempts and names the nonce that makes a repetition safe', async () => {
    stage.play(() => problem(503, 'LOG_UNAVAILABLE', 'Unknown.'));
    const run = await send([...SIGNAL, '--attempts', '2', '--webhook-id', 'mine']);
    expect([run.code, stage.seen.length]).toEqual([1, 2]);
    expect(run.stderr).toContain('--webhook-id mine');
  });

  it('does not repeat a refusal, and shows every field that was wrong', async () => {
    const errors = [{ pointer: '/quantity', code: 'INVALID', detail: 'too many digits' }];
    stage.play(() => problem(422, 'SCHEMA', 'The signal is not usable.', { errors }));
    const people = await send(SIGNAL);
    expect([people.code, stage.seen.length]).toEqual([1, 1]);
    expect(people.stderr).toContain('The signal is not usable.');
    expect(people.stderr).toContain('/quantity: too many digits (INVALID)');
    const machine = await send([...SIGNAL, '--json']);
    expect([machine.code, machine.stderr]).toEqual([1, '']);
    expect(machine.json().error).toMatchObject({
      code: 'SCHEMA',
      status: 422,
      requestId: 'req-1',
      errors,
      attempts: 1,
    });
  });

  it('does not follow a redirect, which would carry the credential elsewhere', async () => {
    stage.play(() => ({ status: 307, headers: { location: `${stage.url}/elsewhere` } }));
    const run = await send([...SIGNAL, '--json']);
    expect([run.code, run.json().error.code, stage.seen.length]).toEqual([1, 'UNEXPECTED_ANSWER', 1]);
  });

  it('waits for the end of the signal, asking the server to wait, without its credential', async () => {
    const fill = { symbol: 'ACME', side: 'buy', lastQty: '2.5', lastPx: '101', commission: '0', leavesQty: '0' };
    stage.play(({ method }) => {
      if (method === 'POST') return accepted();
      const asked = stage.seen.length - 1;
      if (asked === 1) return status('received', false);
      return asked === 2 ? { status: 503 } : status('executed', true, { fills: [fill] });
    });
    const run = await send([...SIGNAL, '--wait', '20']);
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.stdout).toContain('filled: buy 2.5 ACME at 101, commission 0');
    expect(run.stdout).toContain('final: executed');
    expect(run.stdout.match(/webhook\.received/g)).toHaveLength(1);
    const questions = stage.seen.slice(1);
    expect(questions).toHaveLength(3);
    for (const { path, query, headers } of questions) {
      expect([path, query.get('t')]).toEqual([`/api/v1/signals/${WEBHOOK_ID}`, 'token']);
      expect(headers.prefer).toMatch(/^wait=(10|[1-9])$/);
      expect(headers.authorization ?? headers['webhook-signature']).toBeUndefined();
    }
  });

  it('fails when the signal is refused in the end, with the whole of it for machines', async () => {
    const errors = [{ pointer: '/symbol', code: 'UNKNOWN_SYMBOL', detail: 'not listed' }];
    const error = { stage: 'validator', code: 'UNKNOWN_SYMBOL', message: 'There is no ACME.', errors };
    stage.play(({ method }) => (method === 'POST' ? accepted() : status('failed', true, { error })));
    const machine = await send([...SIGNAL, '--wait', '--json']);
    expect([machine.code, machine.stderr]).toEqual([1, '']);
    const signal = { signalId: 's-1', result: { status: 'failed' } };
    expect(machine.json().error).toMatchObject({ code: 'UNKNOWN_SYMBOL', stage: 'validator', errors, signal });
    const people = await send([...SIGNAL, '--wait']);
    expect(people.code).toBe(1);
    expect(people.stdout).toContain('final: failed, at the validator');
    expect(people.stderr.split('\n').slice(0, 2)).toEqual([
      'error: There is no ACME. (UNKNOWN_SYMBOL)',
      '  /symbol: not listed (UNKNOWN_SYMBOL)',
    ]);
  });

  it('says what a signal is doing that does not end in time', async () => {
    stage.play(({ method }) => (method === 'POST' ? accepted() : status('working', false)));
    const run = await send([...SIGNAL, '--wait', '1', '--json']);
    expect([run.code, run.json().error.code, run.json().error.status]).toEqual([1, 'NOT_FINAL', 'working']);
  });

  it('shows nothing that a terminal would act on, whatever the server says', async () => {
    stage.play(() => problem(422, 'SCHEMA', 'bad \u001b]0;owned\u0007 \u009b2J \u202egnp\r\nfake line'));
    const people = await send(SIGNAL);
    expect(people.stderr).toContain('bad \\u001b]0;owned\\u0007 \\u009b2J \\u202egnp\\u000d\\u000afake line');
    const machine = await send([...SIGNAL, '--json']);
    expect(machine.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(machine.json().error.message).toContain('\u001b]0;owned');
  });

  it.each<[string, string[], RunOptions, string]>([
    ['a missing field', ['--tenant', 'ten_1'], {}, 'Missing: --account, --symbol, --action, --quantity'],
    ['an action that does not exist', [...SIGNAL, '--action', 'hold'], {}, 'Allowed choices are buy, sell'],
    ['an amount that is none', [...SIGNAL, '--quantity', '-1'], {}, 'a number above zero'],
    ['an unknown flag', [...SIGNAL, '--qty', '1'], {}, '--qty'],
    ['no credential', SIGNAL, { env: { TICKWIRE_SIGNING_SECRET: '' } }, 'TICKWIRE_SIGNING_SECRET or TICKWIRE_API_KEY'],
    [
      'a broken secret, without repeating it',
      SIGNAL,
      { env: { TICKWIRE_SIGNING_SECRET: 'whsec_?hidden' } },
      'canonical, padded base64',
    ],
    ['no address', SIGNAL, { env: { TICKWIRE_INGRESS_URL: '' } }, 'TICKWIRE_INGRESS_URL'],
    ['an address that is none', SIGNAL, { env: { TICKWIRE_INGRESS_URL: 'ftp://x' } }, 'must be http or https'],
    ['a nonce with a dot', [...SIGNAL, '--webhook-id', 'a.b'], {}, '1 to 128 of'],
    ['flags beside a whole body', [...SIGNAL, '--body', '-'], { stdin: '{}' }, '--body is the whole signal'],
    ['a body that is no object', ['--body', '-'], { stdin: '[]' }, 'not a JSON object'],
    ['no dev.json', ['--from-dev', '/nonexistent'], {}, 'is "npm start" running?'],
  ])('refuses %s before anything is sent, with exit code 2', async (_case, args, options, told) => {
    stage.play(accepted);
    const run = await send(args, options);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain(told);
    expect(run.stderr).not.toContain('hidden');
    expect(stage.seen).toEqual([]);
  });

  it('reports a server that is not there', async () => {
    const run = await send([...SIGNAL, '--attempts', '1', '--json'], {
      env: { TICKWIRE_INGRESS_URL: 'http://127.0.0.1:1' },
    });
    expect([run.code, run.json().error.code]).toEqual([1, 'UNREACHABLE']);
  });
});
