import { InvalidWebhookSecret, isWebhookId, parseWebhookSecret } from '@tickwire/signing';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { randomUUID } from 'node:crypto';
import { readDevFile, type DevFile } from '../connection/dev-file.js';
import { readInput } from '../connection/read-input.js';
import { addressOf, ENV, fromEnv } from '../connection/settings.js';
import { CommandFailed, UsageError } from '../terminal/exit-codes.js';
import { Reporter } from '../terminal/reporter.js';
import type { Terminal } from '../terminal/terminal.js';
import { deliverSignal, type Accepted, type Credential } from './deliver-signal.js';
import { followSignal } from './follow-signal.js';
import { addSignalOptions, checkBody, composeSignal, type SignalFlags } from './signal-options.js';
import { endLines, timelineLines, type SignalStatus } from './signal-status.js';

const SIGNALS_PATH = '/api/v1/webhooks/signals';
const DEFAULT_WAIT_S = 60;

interface SendFlags extends SignalFlags {
  body?: string;
  ingressUrl?: string;
  auth?: Credential['kind'];
  webhookId?: string;
  attempts: number;
  /** Seconds; true without a number. */
  wait?: number | true;
  fromDev?: string | true;
  json: boolean;
}

const EXAMPLES = `
Without an answer, and on 502, 503 and 504, it sends again under the same webhook-id: the signal trades at most once.
The JSON output is {webhookId, signalId, status, statusUrl, nonce, replayed, attempts}, with --wait also {result: the
final status}; on failure {error: {code, message, …}}. With --wait a refused signal is a failure (exit code 1).

Examples:
  $ tickwire send --from-dev --wait
  $ tickwire send --from-dev --action sell --quantity 3 --type limit --price 101.5
  $ export TICKWIRE_INGRESS_URL=https://signals.example.com TICKWIRE_SIGNING_SECRET=whsec_…
  $ tickwire send --tenant ten_… --account 4711 --symbol ACME --action buy --quantity 2 --signal-id s-1 --wait
  $ tickwire send --body signal.json --json | jq -r .statusUrl
  $ echo '{"tenantId": "ten_…", …}' | tickwire send --body - --auth api-key`;

/** `tickwire send`: one signal, signed or with an API key. */
export function sendCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('send')
    .summary('send a trading signal')
    .description(
      'Sends one trading signal, signed by Standard Webhooks or with an API key, and tells what became of it.',
    );
  addSignalOptions(command)
    .optionsGroup('How it is sent:')
    .option('--ingress-url <url>', `where to (default: ${ENV.ingressUrl})`)
    .addOption(
      new Option('--auth <kind>', 'how to prove who sends (default: signature where a secret is set)').choices([
        'signature',
        'api-key',
      ]),
    )
    .option('--webhook-id <id>', 'the nonce; give the one of an earlier try to repeat it (default: a new one)', nonce)
    .option('--attempts <number>', 'the first one and the retries', wholeNumber(1, 20), 5)
    .option(
      '--wait [seconds]',
      `wait until the signal is final (at most ${DEFAULT_WAIT_S} s without a number)`,
      wholeNumber(1, 86_400),
    )
    .option(
      '--from-dev [dir]',
      'take URL, secret, ids and symbol from the dev.json of a running npm start (.tickwire/dev.json)',
    )
    .optionsGroup('Output:')
    .option('--json', 'one JSON document on stdout', false)
    .addHelpText('after', EXAMPLES)
    .action((flags: SendFlags) => send(flags, terminal));
}

async function send(flags: SendFlags, terminal: Terminal): Promise<void> {
  const reporter = new Reporter(terminal, flags.json);
  const dev = flags.fromDev === undefined ? undefined : await readDevFile(flags.fromDev === true ? '.' : flags.fromDev);
  const url = signalsAddress(flags, dev, terminal);
  const credential = chooseCredential(flags, dev, terminal);
  const body =
    flags.body === undefined ? composeSignal(flags, dev) : checkBody(await readInput(flags.body, terminal), flags);
  const webhookId = flags.webhookId ?? `msg_${randomUUID()}`;

  const delivery = { url, body, credential, nonce: webhookId, attempts: flags.attempts };
  const accepted = await deliverSignal(delivery, (reason, pauseMs) =>
    reporter.progress(`${reason}; again in ${(pauseMs / 1_000).toFixed(1)} s`),
  );
  reporter.line(`${accepted.replayed ? 'accepted before' : 'accepted'}: signal ${accepted.signalId}`);
  reporter.line(`webhookId ${accepted.webhookId}`);
  reporter.line(`status ${accepted.statusUrl}`);
  const outcome = { ...toOutput(accepted), nonce: webhookId, replayed: accepted.replayed, attempts: accepted.attempts };
  if (flags.wait === undefined) return reporter.result(outcome);

  const result = await follow(accepted, (flags.wait === true ? DEFAULT_WAIT_S : flags.wait) * 1_000, reporter);
  // Refused after all. Its lines were told; the machine gets one document with the whole of it.
  if (result.error !== undefined) {
    const { code, message, ...facts } = result.error;
    throw new CommandFailed(code, message, { ...facts, signal: { ...outcome, result } });
  }
  reporter.result({ ...outcome, status: result.status, result });
}

function toOutput({ webhookId, signalId, status, statusUrl }: Accepted): Omit<Accepted, 'replayed' | 'attempts'> {
  return { webhookId, signalId, status, statusUrl };
}

async function follow({ statusUrl }: Accepted, timeoutMs: number, reporter: Reporter): Promise<SignalStatus> {
  let shown = 0;
  const result = await followSignal(statusUrl, timeoutMs, (status) => {
    for (const line of timelineLines(status, shown)) reporter.line(line);
    shown = Math.max(shown, status.timeline.length);
  });
  for (const line of endLines(result)) reporter.line(line);
  return result;
}

function signalsAddress(flags: SendFlags, dev: DevFile | undefined, { env }: Terminal): URL {
  if (flags.ingressUrl !== undefined) return addressOf(flags.ingressUrl, '--ingress-url', SIGNALS_PATH);
  if (dev !== undefined) return addressOf(dev.ingressUrl, 'ingressUrl of dev.json', SIGNALS_PATH);
  const given = fromEnv(env, ENV.ingressUrl);
  if (given === undefined)
    throw new UsageError(`Where to? Set ${ENV.ingressUrl}, or give --ingress-url or --from-dev.`);
  return addressOf(given, ENV.ingressUrl, SIGNALS_PATH);
}

/** `--from-dev` is asked for explicitly, so it wins over the environment. */
function chooseCredential({ auth }: SendFlags, dev: DevFile | undefined, { env }: Terminal): Credential {
  const secret = dev?.signingSecret ?? fromEnv(env, ENV.signingSecret);
  const apiKey = dev?.apiKey ?? fromEnv(env, ENV.apiKey);
  if (auth !== 'api-key' && secret !== undefined) return { kind: 'signature', key: readSecret(secret) };
  if (auth !== 'signature' && apiKey !== undefined) {
    if (!/^[\x21-\x7e]+$/.test(apiKey)) throw new UsageError(`${ENV.apiKey} is not an API key.`);
    return { kind: 'api-key', apiKey };
  }
  const wanted =
    auth === undefined
      ? `${ENV.signingSecret} or ${ENV.apiKey}`
      : auth === 'signature'
        ? ENV.signingSecret
        : ENV.apiKey;
  throw new UsageError(`No credential: set ${wanted}, or give --from-dev.`);
}

function readSecret(secret: string): Uint8Array {
  try {
    return parseWebhookSecret(secret);
  } catch (error) {
    if (error instanceof InvalidWebhookSecret) throw new UsageError(`${ENV.signingSecret}: ${error.message}.`);
    throw error;
  }
}

function nonce(text: string): string {
  if (!isWebhookId(text)) throw new InvalidArgumentError('It must be 1 to 128 of A-Z a-z 0-9 _ : -');
  return text;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most))
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    return value;
  };
}
