/** `npm run docs`: writes docs/events.md and docs/schemas/ from the contracts; `--check` only tells what is stale. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { pinnedNode, ROOT, step } from '../prepare.mjs';
import { renderCatalogue, staleFiles, writeFiles } from './catalogue.mjs';

const NX = join(ROOT, 'node_modules', 'nx', 'dist', 'bin', 'nx.js');
const BUILT = join(ROOT, 'libs', 'contracts', 'dist', 'index.js');
const USAGE = `Usage: npm run docs [-- --check]

Writes docs/events.md and docs/schemas/*.json from the event contracts.

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
await step('Building the contracts', pinnedNode(), [NX, 'run-many', '-t', 'build', '-p', '@tickwire/contracts'], {
  env: { NX_DAEMON: 'false', NX_TUI: 'false' },
});
const contracts = await import(pathToFileURL(BUILT).href);
const files = renderCatalogue(contracts, join(ROOT, 'libs', 'contracts', 'src'));
const stale = staleFiles(ROOT, files);
if (check) {
  for (const path of stale) console.error(`${path} is stale: run npm run docs`);
  process.exitCode = stale.length > 0 ? 1 : 0;
} else {
  writeFiles(ROOT, files);
  console.log(stale.length > 0 ? `Wrote ${stale.join(', ')}` : `All ${files.size} files are up to date`);
}
