import { CommandFailed } from './exit-codes.js';
import { printableJson, printableLine } from './printable.js';
import type { Terminal } from './terminal.js';

/**
 * Prints what a command found. For people: lines on stdout as things happen. With `--json`: nothing until the end,
 * then exactly one JSON document, the result or `{"error": {…}}`. Progress and warnings go to stderr either way.
 */
export class Reporter {
  constructor(
    private readonly terminal: Pick<Terminal, 'stdout' | 'stderr'>,
    private readonly json: boolean,
  ) {}

  /** A line for people. */
  line(text: string): void {
    if (!this.json) this.terminal.stdout.write(`${printableLine(text)}\n`);
  }

  /** What is going on meanwhile: a retry, a wait. */
  progress(text: string): void {
    this.terminal.stderr.write(`${printableLine(text)}\n`);
  }

  /** The machine's result; people have read it line by line. */
  result(value: object): void {
    if (this.json) this.terminal.stdout.write(`${printableJson(value)}\n`);
  }

  failure({ code, message, facts }: CommandFailed): void {
    if (this.json) {
      this.terminal.stdout.write(`${printableJson({ error: { code, message, ...facts } })}\n`);
      return;
    }
    this.progress(`error: ${message}${message.includes(code) ? '' : ` (${code})`}`);
    for (const problem of fieldProblems(facts['errors'])) this.progress(`  ${problem}`);
    if (typeof facts['requestId'] === 'string') this.progress(`  request ${facts['requestId']}`);
  }
}

function fieldProblems(errors: unknown): string[] {
  if (!Array.isArray(errors)) return [];
  return (errors as { pointer?: unknown; code?: unknown; detail?: unknown }[]).map(
    ({ pointer, code, detail }) => `${String(pointer)}: ${String(detail)} (${String(code)})`,
  );
}
