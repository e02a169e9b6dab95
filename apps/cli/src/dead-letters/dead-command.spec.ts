import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tickwire, type RunOptions } from '../../fixtures/command-line.js';
import { problem, startStage, type StageServer } from '../../fixtures/stage-server.js';

const TOKEN = 'tw_admin_0123456789abcdef01234567';
const ID = '5b0e8a3e-9a65-5b1e-8d57-3a5a6f0c9d11';
const PATH = '/api/v1/admin/dead-letters';

const letter = {
  id: ID,
  group: 'validator',
  topic: 'webhook.received',
  partition: 3,
  offset: 42,
  reason: 'CODE_FAULT',
  message: 'TypeError: x\n    at judge',
  at: '2026-01-31T09:30:00.000Z',
  key: 'acc_1',
};

describe('tickwire dead', () => {
  let stage: StageServer;
  beforeAll(async () => {
    stage = await startStage();
  });
  afterAll(() => stage.close());

  const dead = (args: string[], options: RunOptions = {}) =>
    tickwire(['dead', ...args], {
      ...options,
      env: { TICKWIRE_API_URL: `${stage.url}/`, TICKWIRE_ADMIN_TOKEN: TOKEN, ...options.env },
    });

  it('lists a page, a line each, and how to go on', async () => {
    stage.play(() => ({ status: 200, body: { data: [letter], nextCursor: 'more' } }));
    const run = await dead(['list', '--topic', 'webhook.received', '--limit', '1', '--cursor', 'here']);
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(run.stdout.split('\n')).toEqual([
      `${ID}  2026-01-31T09:30:00.000Z  webhook.received/3@42  validator  CODE_FAULT: TypeError: x`,
      'More: --cursor more',
      '',
    ]);
    const [{ path, query, headers }] = stage.seen as [(typeof stage.seen)[0]];
    expect([path, Object.fromEntries(query)]).toEqual([
      PATH,
      { topic: 'webhook.received', limit: '1', cursor: 'here' },
    ]);
    expect(headers.authorization).toBe(`Bearer ${TOKEN}`);
  });

  it('gives machines the page as the API does', async () => {
    const page = { data: [letter], nextCursor: null };
    stage.play(() => ({ status: 200, body: page }));
    expect((await dead(['list', '--json'])).json()).toEqual(page);
  });

  it('asks again while the API is not there', async () => {
    stage.play(() => (stage.seen.length < 3 ? { status: 503 } : { status: 200, body: { data: [], nextCursor: null } }));
    const run = await dead(['list']);
    expect([run.code, run.stdout, stage.seen.length]).toEqual([0, 'No dead letters.\n', 3]);
  });

  it('shows one without letting it act on the terminal', async () => {
    const value = '{"symbol":"\u001b[2J\u202eACME"}\rhidden';
    stage.play(() => ({ status: 200, body: { ...letter, value, encoding: 'utf8' } }));
    const run = await dead(['show', ID]);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('{"symbol":"\\u001b[2J\\u202eACME"}\\u000dhidden');
    expect(run.stdout).toContain('record   webhook.received/3@42');
    expect(stage.seen[0]!.path).toBe(`${PATH}/${ID}`);
  });

  it('writes the record alone, byte for byte, to be mended in a file', async () => {
    const bytes = Buffer.from([0x7b, 0xff, 0x0a]);
    stage.play(() => ({ status: 200, body: { ...letter, value: bytes.toString('base64'), encoding: 'base64' } }));
    const run = await dead(['show', ID, '--value']);
    expect(run.stdout).toBe(bytes.toString('utf8'));
    stage.play(() => ({ status: 200, body: { ...letter, value: '{"a": 1}', encoding: 'utf8' } }));
    expect((await dead(['show', ID, '--value'])).stdout).toBe('{"a": 1}');
  });

  it('replays one as it was', async () => {
    stage.play(() => ({ status: 202, body: { id: ID, topic: letter.topic, group: letter.group } }));
    const run = await dead(['replay', ID, '--topic', letter.topic]);
    expect(run.code).toBe(0);
    expect(run.stdout).toContain('Replayed: webhook.received for validator.');
    const [{ method, path, query, body }] = stage.seen as [(typeof stage.seen)[0]];
    expect([method, path, query.get('topic')]).toEqual(['POST', `${PATH}/${ID}/replay`, letter.topic]);
    expect(JSON.parse(body.toString('utf8'))).toEqual({});
  });

  it('replays a mended record from a file or stdin', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tickwire-cli-'));
    const file = join(folder, 'mended.json');
    await writeFile(file, '{"mended": true}\n');
    stage.play(() => ({ status: 202, body: { id: ID, topic: letter.topic, group: letter.group } }));
    const run = await dead(['replay', ID, '--value-file', file, '--json']);
    expect(run.json()).toEqual({ id: ID, topic: letter.topic, group: letter.group, mended: true });
    await dead(['replay', ID, '--value-file', '-'], { stdin: '{"mended": 2}' });
    expect(stage.seen.map(({ body }) => JSON.parse(body.toString('utf8')) as unknown)).toEqual([
      { value: '{"mended": true}\n' },
      { value: '{"mended": 2}' },
    ]);
    await rm(folder, { recursive: true });
  });

  it('says that a final signal is left alone, and why', async () => {
    const detail = 'This signal has had its final event: replaying it does nothing.';
    stage.play(() => problem(409, 'ALREADY_FINAL', detail));
    const people = await dead(['replay', ID]);
    expect([people.code, people.stdout]).toEqual([1, '']);
    expect(people.stderr).toContain(detail);
    const machine = await dead(['replay', ID, '--json']);
    expect([machine.code, machine.json().error]).toEqual([
      1,
      { code: 'ALREADY_FINAL', message: detail, status: 409, requestId: 'req-1' },
    ]);
  });

  it('does not repeat a replay whose answer was lost, and says that it may have happened', async () => {
    stage.play(() => 'hang up');
    const run = await dead(['replay', ID]);
    expect([run.code, stage.seen.length]).toEqual([1, 1]);
    expect(run.stderr).toContain('It may have been replayed');
  });

  it.each<[string, string[], Record<string, string>, string]>([
    ['no token', ['list'], { TICKWIRE_ADMIN_TOKEN: '' }, 'TICKWIRE_ADMIN_TOKEN'],
    ['no address', ['list'], { TICKWIRE_API_URL: '' }, 'TICKWIRE_API_URL'],
    ['a limit out of range', ['list', '--limit', '201'], {}, '1 to 200'],
    ['no id', ['show'], {}, "missing required argument 'id'"],
    ['an unknown command', ['bury'], {}, 'bury'],
    ['a file that is not there', ['replay', ID, '--value-file', '/nonexistent'], {}, 'cannot be read'],
  ])('refuses %s with exit code 2', async (_case, args, env, told) => {
    stage.play(() => ({ status: 500 }));
    const run = await dead(args, { env });
    expect([run.code, stage.seen.length]).toEqual([2, 0]);
    expect(run.stderr).toContain(told);
  });
});

describe('tickwire --help', () => {
  it.each([[['--help']], [['send', '--help']], [['dead', '--help']], [['help', 'send']]])(
    '%j explains itself with examples',
    async (args) => {
      const run = await tickwire(args);
      expect([run.code, run.stderr]).toEqual([0, '']);
      expect(run.stdout).toContain('Examples:\n  $ tickwire ');
    },
  );

  it('comes with exit code 2 when no command is given', async () => {
    const run = await tickwire([]);
    expect([run.code, run.stdout]).toEqual([2, '']);
    expect(run.stderr).toContain('Usage: tickwire');
  });
});
