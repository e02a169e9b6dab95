import type { SignalRequest } from '@tickwire/contracts';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { DevFile } from '../connection/dev-file.js';
import { UsageError } from '../terminal/exit-codes.js';

// Keyed by the contract's own types: a value that is added there does not compile here until it is offered.
const ACTIONS: Record<SignalRequest['action'], true> = { buy: true, sell: true };
const ORDER_TYPES: Record<NonNullable<SignalRequest['orderType']>, true> = { market: true, limit: true, stop: true };

/** The signal's fields as flags; amounts stay the text that was typed, so that no digit is lost. */
export interface SignalFlags {
  tenant?: string;
  account?: string;
  symbol?: string;
  action?: SignalRequest['action'];
  quantity?: string;
  type?: SignalRequest['orderType'];
  price?: string;
  stopLoss?: string;
  takeProfit?: string;
  bot?: string;
  strategy?: string;
  signalId?: string;
  timestamp?: string;
}

/** Which flag writes which member of the signal. A new member of the contract does not compile until it has one. */
export const FLAG_OF: Record<keyof SignalRequest, keyof SignalFlags> = {
  tenantId: 'tenant',
  accountId: 'account',
  symbol: 'symbol',
  action: 'action',
  quantity: 'quantity',
  orderType: 'type',
  price: 'price',
  stopLoss: 'stopLoss',
  takeProfit: 'takeProfit',
  botId: 'bot',
  strategyName: 'strategy',
  signalId: 'signalId',
  timestamp: 'timestamp',
};
const MEMBERS = Object.keys(FLAG_OF) as (keyof SignalRequest)[];
const REQUIRED = ['tenantId', 'accountId', 'symbol', 'action', 'quantity'] as const;

/** Adds a flag for every field of a signal. */
export function addSignalOptions(command: Command): Command {
  return command
    .optionsGroup('The signal:')
    .option('--tenant <id>', 'the tenant on whose behalf it is sent')
    .option('--account <id>', 'the account to trade for: acc_…, or the tenant’s own account number')
    .option('--symbol <symbol>', 'the instrument, e.g. ACME')
    .addOption(new Option('--action <action>', 'what to do').choices(Object.keys(ACTIONS)))
    .option('--quantity <units>', 'units of the instrument', amount)
    .addOption(
      new Option('--type <type>', 'order type (the server’s default is market)').choices(Object.keys(ORDER_TYPES)),
    )
    .option('--price <price>', 'limit or stop price, for these types', amount)
    .option('--stop-loss <price>', 'closes the position at a loss', amount)
    .option('--take-profit <price>', 'closes the position with a profit', amount)
    .option('--bot <id>', 'the bot that sends it')
    .option('--strategy <name>', 'the strategy’s name, for the record')
    .option('--signal-id <id>', 'your own id: the same id is the same signal and trades once')
    .option('--timestamp <time>', 'when it was made: ISO 8601 or unix seconds')
    .option('--body <file>', 'the whole signal as JSON from a file, or - for stdin, instead of these flags');
}

/**
 * The body to send.
 * @param flags as given
 * @param dev   fills what the flags leave out; without an action and a quantity it buys one unit
 * @throws UsageError naming the flags that are missing
 */
export function composeSignal(flags: SignalFlags, dev?: DevFile): string {
  const defaults: SignalFlags =
    dev === undefined
      ? {}
      : {
          tenant: dev.tenantId,
          account: dev.accountId,
          bot: dev.botId,
          symbol: dev.symbol,
          action: 'buy',
          quantity: '1',
        };
  const valueOf = (member: keyof SignalRequest): string | undefined =>
    flags[FLAG_OF[member]] ?? defaults[FLAG_OF[member]];
  const missing = REQUIRED.filter((member) => valueOf(member) === undefined).map((member) => `--${FLAG_OF[member]}`);
  if (missing.length > 0) throw new UsageError(`Missing: ${missing.join(', ')} (or --body, or --from-dev).`);
  return JSON.stringify(Object.fromEntries(MEMBERS.map((member) => [member, valueOf(member)])));
}

/** A body that was given whole. Sent as it is: only that it is a JSON object is checked. @throws UsageError */
export function checkBody(text: string, flags: SignalFlags): string {
  const given = MEMBERS.map((member) => FLAG_OF[member]).filter((flag) => flags[flag] !== undefined);
  if (given.length > 0) throw new UsageError('--body is the whole signal: leave the flags of its fields out.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError('The body is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError('The body is not a JSON object.');
  }
  return text;
}

function amount(text: string): string {
  if (!/^\d{1,24}(\.\d{1,12})?$/.test(text) || !/[1-9]/.test(text)) {
    throw new InvalidArgumentError('It must be a number above zero, such as 2 or 0.5.');
  }
  return text;
}
