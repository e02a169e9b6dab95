import { MAX_BURST, MAX_PER_MINUTE } from './rate-limiter.js';
import type { Limit, LimitName } from './rate-limiter.js';

export type LimitSettings = Record<Exclude<LimitName, 'agent'>, { perMinute: number; burst: number }>;

/** What a tenant has without settings of its own. */
export const DEFAULT_LIMITS: Readonly<LimitSettings> = {
  tenant: { perMinute: 1_000, burst: 200 },
  bot: { perMinute: 120, burst: 40 },
  account: { perMinute: 60, burst: 20 },
};

/**
 * The limits of one request, with keys that belong to the tenant: a bot or account of the same id elsewhere is
 * another. The tenant in braces is a hash tag: they lie together where keys are spread over nodes.
 * @param sender `botId` and `accountId` where the request names them
 * @returns tenant first, then bot, then account
 */
export function limitsOf(
  sender: { tenantId: string; botId?: string; accountId?: string },
  settings: LimitSettings = DEFAULT_LIMITS,
): Limit[] {
  // Encoded, an id holds neither braces nor colons and cannot pass for another key.
  const tenant = `{${encodeURIComponent(sender.tenantId)}}`;
  const limits: Limit[] = [{ key: `${tenant}:tenant`, name: 'tenant', ...settings.tenant }];
  for (const [name, id] of [['bot', sender.botId] as const, ['account', sender.accountId] as const]) {
    if (id !== undefined) limits.push({ key: `${tenant}:${name}:${encodeURIComponent(id)}`, name, ...settings[name] });
  }
  return limits;
}

/**
 * The same limits, narrowed: for a sender that is throttled, or for one replica's share.
 * @param factor above 0; rate and burst are multiplied by it, rounded down, and stay at least 1 and at most what a
 *   limiter takes
 */
export function scaleLimits(limits: readonly Limit[], factor: number): Limit[] {
  if (!(factor > 0)) throw new RangeError('factor must be above 0: a limit of nothing is a closed door');
  return limits.map((limit) => ({
    ...limit,
    perMinute: scaled(limit.perMinute, factor, MAX_PER_MINUTE),
    burst: scaled(limit.burst, factor, MAX_BURST),
  }));
}

function scaled(value: number, factor: number, max: number): number {
  return Math.min(max, Math.max(1, Math.floor(value * factor)));
}
