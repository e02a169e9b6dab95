/** `npm run docs`: writes what is generated below docs/ from the code; `--check` only tells what is stale. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { pinnedNode, ROOT, step } from '../prepare.mjs';
import { renderCatalogue, staleFiles, writeFiles } from './catalogue.mjs';
import { renderIngress, renderVectors } from './ingress.mjs';

const NX = join(ROOT, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
const CONTRACTS = 'libs/contracts/dist/index.js';
const INGRESS = 'apps/ingress/dist/openapi/ingress-document.js';
const USAGE = `Usage: npm run docs [-- --check]

Writes docs/events.md and docs/schemas/*.json from the event contracts, docs/openapi/ingress.json from the ingress'
routes, and docs/vectors/signing.json, which is libs/signing's own.

Options:
  --check     write nothing; exit 1 when a file is stale, naming it
  -h, --help  show this text`;

function readOptions() {
  try {
    return parseArgs({
      options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    }).values;
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const { check, help } = readOptions();
if (help) {
  console.log(USAGE);
  process.exit(0);
}
// A stale build would give stale pages. Nx knows whether there is anything to build.
const projects = '@tickwire/ingress,libs/*';
await step('Building contracts and ingress', pinnedNode(), [NX, 'run-many', '-t', 'build', '-p', projects], {
  env: { NX_DAEMON: 'false', NX_TUI: 'false' },
});
const built = (file) => import(pathToFileURL(join(ROOT, file)).href);
const { ingressDocument } = await built(INGRESS);
const files = new Map([
  ...renderCatalogue(await built(CONTRACTS), join(ROOT, 'libs', 'contracts', 'src')),
  ...renderIngress(ingressDocument()),
  ...renderVectors(readFileSync(join(ROOT, 'libs', 'signing', 'src', 'vectors.json'), 'utf8')),
]);
const stale = staleFiles(ROOT, files);
if (check) {
  for (const path of stale) console.error(`${path} is stale: run npm run docs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  writeFiles(ROOT, files);
  console.log(stale.length > 0 ? `Wrote ${stale.join(', ')}` : `All ${files.size} files are up to date`);
}
