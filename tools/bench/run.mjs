/** `npm run bench -- <name> [options]`: builds what is missing, then runs the bench with the pinned Node. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { pinnedNode, prepare, ROOT } from '../prepare.mjs';
import { BENCHES } from './benches.mjs';

const width = Math.max(...Object.keys(BENCHES).map((name) => name.length));
const USAGE = `Usage: npm run bench -- <name> [options]

Benches:
${Object.entries(BENCHES)
  .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  .join('\n')}

Each prints progress on stderr, a table, and as its last line one JSON object. --help after a name shows its options.
--no-build runs what was built before.`;

/** Ends with the exit code for a wrong call. */
function refuse(message) {
  console.error(`${message}\n\n${USAGE}`);
  process.exit(2);
}

const NO_BUILD = '--no-build';

/** What stands before the name is ours, what comes after it is the bench's; but --no-build is ours anywhere. */
function readArguments() {
  const args = process.argv.slice(2);
  const at = args.findIndex((argument) => !argument.startsWith('-'));
  const own = at < 0 ? args : args.slice(0, at);
  try {
    const { values } = parseArgs({
      args: own,
      options: { help: { type: 'boolean', short: 'h' }, 'no-build': { type: 'boolean' } },
    });
    const after = at < 0 ? [] : args.slice(at + 1);
    const rest = after.filter((argument) => argument !== NO_BUILD);
    const noBuild = values['no-build'] === true || rest.length < after.length;
    return { help: values.help, noBuild, name: args[at], rest };
  } catch (error) {
    return refuse(error.message);
  }
}

const { help, noBuild, name, rest } = readArguments();
if (help) {
  console.log(USAGE);
  process.exit(0);
}
if (name === undefined) refuse('Which bench?');
if (!Object.hasOwn(BENCHES, name)) refuse(`There is no bench ${name}.`);

const wantsHelp = rest.includes('--help') || rest.includes('-h');
const entry = path.join(ROOT, BENCHES[name].entry);
if (!noBuild && !(wantsHelp && existsSync(entry))) {
  try {
    await prepare();
  } catch (error) {
    console.error(`\n${error.message}`);
    process.exit(1);
  }
}
const child = spawn(pinnedNode(), [...(BENCHES[name].nodeOptions ?? []), entry, ...rest], { stdio: 'inherit' });
// Ctrl-C reaches the whole group; this process only waits. A signal to this process alone is handed on.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => child.kill('SIGTERM'));
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)));
