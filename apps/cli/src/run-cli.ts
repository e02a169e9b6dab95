import { Command, CommanderError } from 'commander';
import { deadCommand } from './dead-letters/dead-command.js';
import { sendCommand } from './signals/send-command.js';
import { CommandFailed, EXIT_FAILED, EXIT_OK, EXIT_USAGE, UsageError } from './terminal/exit-codes.js';
import { printableLine } from './terminal/printable.js';
import { Reporter } from './terminal/reporter.js';
import type { Terminal } from './terminal/terminal.js';

const ABOUT = `Sends signed trading signals to Tickwire, and brings back what could not be handled.

Exit codes: 0 done; 1 tried and refused, failed or not final in time; 2 the command line, the environment or a file named there is not usable, and nothing was sent.`;

const ENVIRONMENT = `
Environment (secrets come from here and not from flags, which other users of a machine can see):
  TICKWIRE_INGRESS_URL     where signals are sent, https://host[:port]
  TICKWIRE_SIGNING_SECRET  whsec_…, signs signals (Standard Webhooks)
  TICKWIRE_API_KEY         tw_live_… or tw_test_…, sends signals without a signature
  TICKWIRE_API_URL         where dead letters are asked for
  TICKWIRE_ADMIN_TOKEN     tw_admin_…, the operators' credential

Examples:
  $ tickwire send --from-dev --wait
  $ tickwire send --tenant ten_… --account acc_… --symbol ACME --action buy --quantity 2 --wait
  $ tickwire dead list --topic webhook.validated
  $ tickwire dead replay 0190f5c2-… --value-file mended.json`;

/**
 * Runs one command line.
 * @param argv without the interpreter and the script
 * @returns the exit code; nothing is thrown for what a user, a file or a server can get wrong
 */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('tickwire')
    .description(ABOUT)
    .addHelpText('after', ENVIRONMENT)
    .helpOption('-h, --help', 'show this text, or that of a command')
    .helpCommand('help [command]', 'show the help of a command')
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      outputError: (text, write) => write(`${printableLine(text.trim())}\n`),
    })
    .exitOverride();
  // Added afterwards, so that they inherit where to write and how to exit.
  sendCommand(program, terminal);
  deadCommand(program, terminal);

  try {
    await program.parseAsync([...argv], { from: 'user' });
    return EXIT_OK;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT_OK : EXIT_USAGE;
    const reporter = new Reporter(terminal, argv.includes('--json'));
    if (error instanceof UsageError) {
      reporter.progress(`error: ${error.message}`);
      return EXIT_USAGE;
    }
    if (!(error instanceof CommandFailed)) throw error;
    reporter.failure(error);
    return EXIT_FAILED;
  }
}
