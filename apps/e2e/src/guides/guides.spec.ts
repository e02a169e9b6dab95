import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { testDatabase, type TestDatabase } from '@tickwire/testing';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { guideExamples, type GuideExample } from './guide-examples.js';
import { GuideReader } from './guide-reader.js';
import { SignalSystem } from './signal-system.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const examplesOf = (guide: string) => guideExamples(readFileSync(`${ROOT}docs/guides/${guide}.md`, 'utf8'));
const SENDS = /\/webhooks\/signals|\$TICKWIRE_ALERT_URL" -/;
const WEBHOOK_IDS = /"webhookId": ?"([0-9a-f-]{36})"/g;

/** What TradingView would write in the place of placeholders. */
const FILLED: Record<string, string> = {
  ticker: 'NVLT',
  exchange: 'NASDAQ',
  interval: '5',
  close: '227.48',
  time: '2026-11-22T09:55:00Z',
  timenow: '2026-11-22T10:00:01Z',
  plot_0: '71.3',
  'strategy.order.action': 'buy',
  'strategy.order.contracts': '10',
  'strategy.order.id': 'Long',
};

let database: TestDatabase;
let system: SignalSystem;
beforeAll(async () => {
  database = await testDatabase();
  system = await SignalSystem.start(database.connectionString);
});
afterAll(async () => {
  await system?.stop();
  await database?.drop();
});

const receivedIds = async (): Promise<string[]> => (await system.received()).map(({ id }) => id);

/** It says 202, and every signal that it names is new on the log. */
async function expectTakenIn(printed: string, before: readonly string[]): Promise<void> {
  expect(printed).toMatch(/\b202\b/);
  const named = [...printed.matchAll(WEBHOOK_IDS)].map(([, id]) => id!);
  expect(named.length).toBeGreaterThan(0);
  const fresh = (await receivedIds()).filter((id) => !before.includes(id));
  expect([...new Set(named)].sort()).toEqual(fresh.sort());
}

async function expectExampleToWork(reader: GuideReader, example: GuideExample): Promise<void> {
  const before = await receivedIds();
  const printed = await reader.follow(example);
  if (example.mark === 'refused') {
    expect(printed).toContain('"code":"SCHEMA"');
    expect(await receivedIds()).toEqual(before);
  } else if (SENDS.test(example.code)) {
    await expectTakenIn(printed, before);
  }
}

describe('docs/guides/send-signals.md', () => {
  let reader: GuideReader;
  beforeAll(() => {
    reader = new GuideReader(system.given, `${ROOT}docs`);
  });
  afterAll(() => reader?.remove());

  const { components } = JSON.parse(readFileSync(`${ROOT}docs/openapi/ingress.json`, 'utf8')) as { components: object };
  const ajv = new Ajv2020({ strict: false, allowUnionTypes: true });
  addFormats.default(ajv);
  const fits = (value: unknown, name: string): boolean =>
    ajv.compile({ $ref: `#/components/schemas/${name}`, components })(value);

  it.each(examplesOf('send-signals'))('$title', async (example) => {
    if (example.language !== 'json') return expectExampleToWork(reader, example);
    // What the guide shows of answers are answers, as the document of the routes has them.
    const value: unknown = JSON.parse(example.code);
    expect(['AcceptedSignal', 'Problem'].filter((name) => fits(value, name))).toHaveLength(1);
  });

  it('has sent signals in every way that a header can prove', async () => {
    const schemes = new Set((await system.received()).map(({ data }) => data.scheme));
    expect([...schemes].sort()).toEqual(['api-key', 'body-hex', 'jwt', 'standard-webhooks', 'timestamped-hex']);
  });

  it('shows Standard Webhooks in bash, Python and TypeScript', () => {
    const shown = examplesOf('send-signals').filter(({ title }) => title.startsWith('Standard Webhooks:'));
    expect(shown.map(({ language }) => language)).toEqual(['bash', 'python', 'typescript']);
  });
});

describe('docs/guides/alerts.md', () => {
  let reader: GuideReader;
  beforeAll(() => {
    reader = new GuideReader(system.given, `${ROOT}docs`);
  });
  afterAll(() => reader?.remove());

  it.each(examplesOf('alerts'))('$title', async (example) => {
    if (example.language !== 'json') return expectExampleToWork(reader, example);
    // A message, sent as the charting program would send it.
    const before = await receivedIds();
    const body = example.code.replace(/\{\{([^}]+)\}\}/g, (placeholder, name: string) => FILLED[name] ?? placeholder);
    const answer = await fetch(reader.variable('TICKWIRE_ALERT_URL'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await expectTakenIn(`${await answer.text()} ${answer.status}`, before);
  });
});

it('the published vectors are those that the signing library is held to (otherwise: npm run docs)', () => {
  const own = readFileSync(`${ROOT}libs/signing/src/vectors.json`, 'utf8');
  expect(readFileSync(`${ROOT}docs/vectors/signing.json`, 'utf8')).toBe(own);
});
