/**
 * Lints sources that no file holds, as if they stood in the repository: JSON in on stdin, JSON out on stdout.
 * In: `[{path, code}]`, `path` below the repository's root. Out: per source the list of `{rule, message}`.
 * A process of its own, because Nx builds its project graph with native code that must not be loaded once per test file.
 */
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '..');

const eslint = new ESLint({
  cwd: ROOT,
  // A file that does not exist belongs to no TypeScript program. The rules under test ask for no types.
  overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }],
});

const planted = JSON.parse(await text(process.stdin));
const verdicts = [];
for (const { path, code } of planted) {
  const [{ messages }] = await eslint.lintText(code, { filePath: join(ROOT, path) });
  verdicts.push(messages.map(({ ruleId, message }) => ({ rule: ruleId ?? 'fatal', message })));
}
process.stdout.write(JSON.stringify(verdicts));
