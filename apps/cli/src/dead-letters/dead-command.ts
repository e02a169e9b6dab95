import { InvalidArgumentError, type Command } from 'commander';
import { readDevFile } from '../connection/dev-file.js';
import { readInput } from '../connection/read-input.js';
import { ENV, fromEnv } from '../connection/settings.js';
import { UsageError } from '../terminal/exit-codes.js';
import { printableText } from '../terminal/printable.js';
import { Reporter } from '../terminal/reporter.js';
import type { Terminal } from '../terminal/terminal.js';
import { DeadLettersApi, type DeadLetter } from './dead-letters-api.js';

interface ConnectionFlags {
  apiUrl?: string;
  fromDev?: string | true;
  json: boolean;
}

const EXAMPLES = `
They are asked for with ${ENV.apiUrl} and ${ENV.adminToken}, or with --from-dev.

Examples:
  $ tickwire dead list --topic webhook.validated --limit 20
  $ tickwire dead show 0190f5c2-… --value > record.json
  $ tickwire dead replay 0190f5c2-… --value-file record.json
  $ tickwire dead list --json | jq -r '.data[].id'`;

/** `tickwire dead`: records that a consumer could not handle. */
export function deadCommand(program: Command, terminal: Terminal): void {
  const dead = program
    .command('dead')
    .summary('list, show and replay dead letters')
    .description(
      'Dead letters are records that a consumer could not handle. They keep the place and the reason of their end.',
    )
    .addHelpText('after', EXAMPLES);

  connected(dead.command('list').description('Lists them, newest first: id, time, place, group, reason.'))
    .option('--topic <topic>', 'only those of this topic, e.g. webhook.validated')
    .option('--limit <number>', 'at most so many', limit, 50)
    .option('--cursor <cursor>', 'continue: the cursor that the page before ended with')
    .action((flags: ConnectionFlags & ListFlags) => list(flags, terminal));

  connected(dead.command('show').argument('<id>').description('Shows one, with the record as it died.'))
    .option('--topic <topic>', 'where it is known: finds it faster')
    .option('--value', 'only the record, byte for byte where the output is not a terminal: to mend it in a file', false)
    .action((id: string, flags: ConnectionFlags & ShowFlags) => show(id, flags, terminal));

  connected(
    dead
      .command('replay')
      .argument('<id>')
      .description(
        'Puts the record on its topic again, only for the group that it died in. Nothing is done for a signal that has ' +
          'had its final event, and the command says so (exit code 1): to trade again, send it with a new signalId.',
      ),
  )
    .option('--topic <topic>', 'where it is known: finds it faster')
    .option('--value-file <file>', 'a mended record that replaces its value, or - for stdin')
    .action((id: string, flags: ConnectionFlags & ReplayFlags) => replay(id, flags, terminal));
}

interface ListFlags {
  topic?: string;
  limit: number;
  cursor?: string;
}

async function list(flags: ConnectionFlags & ListFlags, terminal: Terminal): Promise<void> {
  const reporter = new Reporter(terminal, flags.json);
  const { topic, limit, cursor } = flags;
  const page = await (await connect(flags, terminal)).list({ topic, limit, cursor });
  for (const letter of page.data) {
    reporter.line(
      `${letter.id}  ${letter.at}  ${placeOf(letter)}  ${letter.group}  ${letter.reason}: ${firstLine(letter.message)}`,
    );
  }
  if (page.data.length === 0) reporter.line('No dead letters.');
  if (page.nextCursor !== null) reporter.line(`More: --cursor ${page.nextCursor}`);
  reporter.result(page);
}

interface ShowFlags {
  topic?: string;
  value: boolean;
}

async function show(id: string, flags: ConnectionFlags & ShowFlags, terminal: Terminal): Promise<void> {
  const reporter = new Reporter(terminal, flags.json);
  const letter = await (await connect(flags, terminal)).find(id, flags.topic);
  if (flags.value && !flags.json) {
    const bytes = Buffer.from(letter.value, letter.encoding === 'base64' ? 'base64' : 'utf8');
    terminal.stdout.write(terminal.stdout.isTTY ? `${printableText(bytes.toString('utf8'))}\n` : bytes);
    return;
  }
  reporter.line(`id       ${letter.id}`);
  reporter.line(`at       ${letter.at}`);
  reporter.line(`record   ${placeOf(letter)}`);
  reporter.line(`key      ${letter.key}`);
  reporter.line(`group    ${letter.group}`);
  reporter.line(`reason   ${letter.reason}`);
  for (const line of letter.message.split('\n')) reporter.line(`         ${line}`);
  reporter.line(`value    ${letter.encoding === 'base64' ? 'not UTF-8; in base64:' : ''}`);
  for (const line of letter.value.split('\n')) reporter.line(line);
  reporter.result(letter);
}

interface ReplayFlags {
  topic?: string;
  valueFile?: string;
}

async function replay(id: string, flags: ConnectionFlags & ReplayFlags, terminal: Terminal): Promise<void> {
  const reporter = new Reporter(terminal, flags.json);
  const api = await connect(flags, terminal);
  const value = flags.valueFile === undefined ? undefined : await readInput(flags.valueFile, terminal);
  const replayed = await api.replay(id, flags.topic, value);
  reporter.line(`Replayed${value === undefined ? '' : ', mended'}: ${replayed.topic} for ${replayed.group}.`);
  reporter.line('What the group makes of it shows in the signal’s status; if it fails again, it is a new dead letter.');
  reporter.result({ ...replayed, mended: value !== undefined });
}

function connected(command: Command): Command {
  return command
    .option('--api-url <url>', `where to ask (default: ${ENV.apiUrl})`)
    .option('--from-dev [dir]', 'take URL and token from the dev.json of a running npm start (.tickwire/dev.json)')
    .option('--json', 'one JSON document on stdout', false);
}

async function connect(flags: ConnectionFlags, { env }: Terminal): Promise<DeadLettersApi> {
  const dev = flags.fromDev === undefined ? undefined : await readDevFile(flags.fromDev === true ? '.' : flags.fromDev);
  const adminToken = dev?.adminToken ?? fromEnv(env, ENV.adminToken);
  if (adminToken === undefined) throw new UsageError(`No credential: set ${ENV.adminToken}, or give --from-dev.`);
  if (!/^[\x21-\x7e]+$/.test(adminToken)) throw new UsageError(`${ENV.adminToken} is not an admin token.`);
  const places = [
    { url: flags.apiUrl, source: '--api-url' },
    { url: dev?.apiUrl, source: 'apiUrl of dev.json' },
    { url: fromEnv(env, ENV.apiUrl), source: ENV.apiUrl },
  ];
  const place = places.find((each): each is { url: string; source: string } => each.url !== undefined);
  if (place === undefined) throw new UsageError(`Where to ask? Set ${ENV.apiUrl}, or give --api-url or --from-dev.`);
  return new DeadLettersApi(place, adminToken);
}

function placeOf({ topic, partition, offset }: DeadLetter): string {
  return `${topic}/${partition}@${offset}`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0]!;
}

function limit(text: string): number {
  const value = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > 200) throw new InvalidArgumentError('It must be a whole number from 1 to 200.');
  return value;
}
