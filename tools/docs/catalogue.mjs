/** The generated part of `docs/`: what its files are, and which of them are stale. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readDeclarations } from './declared-shapes.mjs';
import { renderEventsPage } from './events-page.mjs';
import { dataSchema, envelopeSchema } from './json-schemas.mjs';

const SCHEMAS = 'docs/schemas';

/**
 * @param contracts     the module of the contracts, built or from source
 * @param sourcesFolder where its TypeScript is: types carry no docstrings at run time
 * @returns path below the repository's root -> content, of every generated file
 */
export function renderCatalogue(contracts, sourcesFolder) {
  const declarations = readDeclarations(sourcesFolder);
  const json = (schema) => `${JSON.stringify(schema, null, 2)}\n`;
  return new Map([
    ['docs/events.md', renderEventsPage(contracts, declarations)],
    [`${SCHEMAS}/envelope.json`, json(envelopeSchema(declarations.shapes))],
    ...contracts
      .eventDefinitions()
      .map((definition) => [`${SCHEMAS}/${definition.type}.json`, json(dataSchema(definition, declarations.shapes))]),
  ]);
}

/** @returns paths of files that are missing, differ from `files`, or are schemas of events that are no more */
export function staleFiles(root, files) {
  const differing = [...files].filter(([path, content]) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== content;
  });
  return [...differing.map(([path]) => path), ...leftovers(root, files)];
}

/** Makes the files as they should be, and removes schemas of events that are no more. */
export function writeFiles(root, files) {
  for (const path of leftovers(root, files)) rmSync(join(root, path));
  for (const [path, content] of files) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

function leftovers(root, files) {
  const folder = join(root, SCHEMAS);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .map((name) => `${SCHEMAS}/${name}`)
    .filter((path) => path.endsWith('.json') && !files.has(path));
}
