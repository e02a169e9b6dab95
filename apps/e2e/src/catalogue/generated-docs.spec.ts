import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as contracts from '@tickwire/contracts';
import { decodeEvent, eventDefinitions } from '@tickwire/contracts';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
// eslint-disable-next-line @nx/enforce-module-boundaries -- the generator belongs to no project: `npm run docs` runs it
import { renderCatalogue, staleFiles, writeFiles } from '../../../../tools/docs/catalogue.mjs';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');
const files = renderCatalogue(contracts, join(ROOT, 'libs', 'contracts', 'src'));
const page = files.get('docs/events.md')!;
const schemaFile = (name: string) => JSON.parse(files.get(`docs/schemas/${name}.json`)!) as Record<string, unknown>;

it('the generated files are fresh (otherwise: npm run docs)', () => {
  expect(staleFiles(ROOT, files)).toEqual([]);
});

describe('staleness', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'tickwire-docs-'));
    writeFiles(root, files);
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  it('is nothing right after writing', () => {
    expect(staleFiles(root, files)).toEqual([]);
  });

  it('names a file that was edited, one that is missing, and the schema of an event that is no more', () => {
    writeFileSync(join(root, 'docs/events.md'), `${page}by hand\n`);
    rmSync(join(root, 'docs/schemas/envelope.json'));
    writeFileSync(join(root, 'docs/schemas/webhook.forgotten.json'), '{}');
    const stale = ['docs/events.md', 'docs/schemas/envelope.json', 'docs/schemas/webhook.forgotten.json'];
    expect(staleFiles(root, files).sort()).toEqual(stale);
    writeFiles(root, files);
    expect(staleFiles(root, files)).toEqual([]);
  });
});

describe.each(eventDefinitions().map((definition) => [definition.type, definition] as const))(
  '%s',
  (type, definition) => {
    const section = page.slice(page.indexOf(`\n## ${type}\n`)).split('\n## ')[1]!;
    const sample = JSON.parse(/```json\n([\s\S]+?)\n```/.exec(section)![1]!) as object;

    it('is shown with a sample that the log would accept', () => {
      expect(decodeEvent(definition.topic, Buffer.from(JSON.stringify(sample))).type).toBe(type);
    });

    it('has published schemas that accept its sample and refuse one without a required field', () => {
      const ajv = new Ajv2020({ strict: false });
      addFormats.default(ajv);
      const acceptsEnvelope = ajv.compile(schemaFile('envelope'));
      const acceptsData = ajv.compile(schemaFile(type));
      expect(schemaFile(type)['$id']).toBe(definition.dataschema);
      expect([acceptsEnvelope(sample), acceptsData(definition.sample)]).toEqual([true, true]);
      const [required] = definition.schema['required'] as string[];
      expect(acceptsData({ ...definition.sample, [required!]: undefined })).toBe(false);
      expect(acceptsEnvelope({ ...sample, specversion: '0.3' })).toBe(false);
    });

    it('lists every field of its schema, who writes it and who reads it', () => {
      for (const field of Object.keys(definition.schema['properties'] as object))
        expect(section).toContain(`| \`${field}\``);
      expect(section.replace(/ +/g, ' ')).toContain(`| written by | ${definition.producers.join(', ')} |`);
      expect(section.replace(/ +/g, ' ')).toContain(`| read by | ${definition.consumers.join(', ')} |`);
    });
  },
);

it('takes the meaning of fields from their docstrings', () => {
  expect(page).toContain(
    '| `referencePrice` | string, [UNSIGNED_DECIMAL](#formats) | yes | Bid or ask before slippage. |',
  );
  const { properties } = schemaFile('webhook.trade_executed') as {
    properties: Record<string, { description?: string }>;
  };
  expect(properties['referencePrice']!.description).toBe('Bid or ask before slippage.');
});

it('explains every shape and format that it links to', () => {
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) => title!.toLowerCase().replace(/[^\w -]/g, ''));
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target]) => target!);
  expect(links.filter((target) => !headings.includes(target))).toEqual([]);
});
