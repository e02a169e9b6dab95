import type { WebhookReceived } from '@tickwire/contracts';
import type { AccountEntry, BotEntry, TenantEntry } from '@tickwire/directory';
import { parsePrice, parseQuantity, type Instrument } from '@tickwire/ledger';

/** Why a signal is refused. Codes are stable; `interfaces` and the guides list them. */
export interface Refusal {
  code: string;
  message: string;
  /** JSON pointer of the field that is to blame. */
  pointer?: string;
}

/** What is known of the world around a signal, read before judging. */
export interface Surroundings {
  tenant: TenantEntry | undefined;
  account: AccountEntry | undefined;
  /** undefined: no such bot; null: the signal names none. */
  bot: BotEntry | undefined | null;
  instrument: Instrument | undefined;
}

/** Order types that execution can work. */
const SUPPORTED_TYPES: readonly WebhookReceived['orderType'][] = ['market'];

/**
 * Judges a signal on facts that trades in flight cannot change. Each step has its own code, and the first that fails decides:
 * tenant, account, bot, permission, instrument, order shape.
 * @returns undefined when the signal is allowed
 */
export function judgeSignal(
  signal: WebhookReceived,
  { tenant, account, bot, instrument }: Surroundings,
): Refusal | undefined {
  if (!tenant || tenant.status !== 'active') {
    return { code: 'TENANT_INACTIVE', message: 'The tenant is not active', pointer: '/tenantId' };
  }
  if (!account || account.tenantId !== signal.tenantId) {
    return { code: 'UNKNOWN_ACCOUNT', message: 'No such account belongs to the tenant', pointer: '/accountId' };
  }
  if (account.status !== 'active') {
    return { code: 'ACCOUNT_INACTIVE', message: `The account is ${account.status}`, pointer: '/accountId' };
  }
  return judgeBot(signal, bot, account) ?? judgeOrder(signal, instrument);
}

function judgeBot(signal: WebhookReceived, bot: Surroundings['bot'], account: AccountEntry): Refusal | undefined {
  if (bot === null) return undefined;
  if (!bot || bot.tenantId !== signal.tenantId) {
    return { code: 'UNKNOWN_BOT', message: 'No such bot belongs to the tenant', pointer: '/botId' };
  }
  if (bot.status !== 'active') return { code: 'BOT_INACTIVE', message: `The bot is ${bot.status}`, pointer: '/botId' };
  if (bot.accountIds !== null && !bot.accountIds.includes(account.id)) {
    return { code: 'BOT_NOT_PERMITTED', message: 'The bot may not trade on this account', pointer: '/botId' };
  }
  return undefined;
}

function judgeOrder(signal: WebhookReceived, instrument: Instrument | undefined): Refusal | undefined {
  if (!instrument) {
    return {
      code: 'UNKNOWN_SYMBOL',
      message: `No instrument ${signal.symbol} can be traded on this account`,
      pointer: '/symbol',
    };
  }
  if (!SUPPORTED_TYPES.includes(signal.orderType)) {
    return {
      code: 'UNSUPPORTED',
      message: `Orders of type ${signal.orderType} are not taken; send a market order`,
      pointer: '/orderType',
    };
  }
  if (signal.stopLoss !== undefined || signal.takeProfit !== undefined) {
    const pointer = signal.stopLoss !== undefined ? '/stopLoss' : '/takeProfit';
    return { code: 'UNSUPPORTED', message: 'Stop-loss and take-profit legs are not taken', pointer };
  }
  return (
    badNumber(
      parseQuantity(signal.quantity, instrument),
      'INVALID_QUANTITY',
      '/quantity',
      instrument.quantityDecimals,
    ) ??
    (signal.price === undefined
      ? undefined
      : badNumber(parsePrice(signal.price, instrument), 'INVALID_PRICE_INCREMENT', '/price', instrument.priceDecimals))
  );
}

function badNumber(parsed: number | string, code: string, pointer: string, decimals: number): Refusal | undefined {
  if (parsed === 'TOO_PRECISE')
    return { code, message: `At most ${decimals} decimals are taken; nothing is rounded`, pointer };
  if (typeof parsed !== 'number' || parsed <= 0)
    return { code, message: 'A number above zero and within range is wanted', pointer };
  return undefined;
}
