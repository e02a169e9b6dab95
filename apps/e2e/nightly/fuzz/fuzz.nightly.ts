import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate, startEmbeddedPostgres, type EmbeddedPostgres } from '@tickwire/persistence';
import { SignalSystem } from '../../src/guides/signal-system.js';
import { ApiCalls } from '../../src/worlds/api-calls.js';
import { SEED } from '../seed.js';
import { fuzzedDocument } from './fuzzed-document.js';
import { fuzz, installSchemathesis } from './schemathesis.js';

const PUBLISHED = fileURLToPath(new URL('../../../../docs/openapi/ingress.json', import.meta.url));
const SECONDS = Number(process.env['NIGHTLY_FUZZ_SECONDS'] ?? 180);

describe(`${SECONDS} s of made-up requests`, () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'tickwire-fuzz-'));
  let postgres: EmbeddedPostgres;
  let system: SignalSystem;

  beforeAll(async () => {
    installSchemathesis();
    postgres = await startEmbeddedPostgres({ dataDir: path.join(dataDir, 'postgres') });
    await migrate(postgres.connectionString);
    system = await SignalSystem.start(postgres.connectionString);
  }, 300_000);

  afterAll(async () => {
    await system?.stop();
    await postgres?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }, 60_000);

  it(
    'get no answer that the OpenAPI document does not list, and none of a fault of ours',
    async () => {
      const { ingressUrl: url, apiUrl, apiKey, accountId, botId } = system.given;
      const { token } = await new ApiCalls(apiUrl, apiKey).post<{ token: string }>('alert-tokens', {
        accountId,
        botId,
      });
      const document = path.join(dataDir, 'openapi.json');
      writeFileSync(document, fuzzedDocument(readFileSync(PUBLISHED, 'utf8'), system.given, token));
      const headers = { authorization: `Bearer ${apiKey}` };
      const { code, report } = await fuzz({ document, url, headers, seed: SEED, seconds: SECONDS });
      console.log(report);
      expect(code).toBe(0);
      // Requests that all end at the door would prove little.
      const schemes = new Set((await system.received()).map(({ data }) => data.scheme));
      expect([...schemes].sort()).toEqual(['alert', 'api-key']);
    },
    SECONDS * 1_000 + 300_000,
  );
});
