import { ProblemError } from '@tickwire/problem-details';
import {
  DEFAULT_LIMITS,
  limitsOf,
  rateLimitHeaders,
  scaleLimits,
  type LimitSettings,
  type RateLimiter,
  type RateLimitHeaders,
} from '@tickwire/throttle';
import type { TenantSettings } from '@tickwire/directory';
import type { Admitted } from './admission.js';

/** Whom a request counts for besides its tenant. */
export interface Counted {
  botId?: string;
  accountId?: string;
  /** Whether the tenant itself has been counted before, with the batch that this signal came in. */
  withoutTenant?: boolean;
}

/** Holds requests to the limits of their tenant, bot and account: one question for all of them. */
export class RequestLimits {
  constructor(private readonly limiter: RateLimiter) {}

  /**
   * @param cost signals that the request brings
   * @returns headers for its answer
   * @throws ProblemError RATE_LIMITED, with the same headers and `Retry-After`
   */
  async take(
    { proof, settings, limitFactor }: Admitted,
    counted: Counted,
    cost: number,
    nowMs: number,
  ): Promise<RateLimitHeaders> {
    const own = limitsOf({ tenantId: proof.tenantId, ...counted }, settingsOf(settings));
    const limits = counted.withoutTenant ? own.slice(1) : own;
    const verdict = await this.limiter.take(limitFactor < 1 ? scaleLimits(limits, limitFactor) : limits, cost, nowMs);
    const headers = rateLimitHeaders(verdict);
    if (verdict.allowed) return headers;
    const { refusal } = verdict;
    const { name } = refusal;
    if (refusal.neverFits) {
      throw new ProblemError('RATE_LIMITED', `The ${name}'s limit never lets so many signals in at once: send fewer.`, {
        headers: { ...headers },
        details: { limit: name },
      });
    }
    throw new ProblemError('RATE_LIMITED', `The ${name}'s limit is used up; send the same request again later.`, {
      headers: { ...headers },
      retryAfterMs: refusal.retryAfterMs,
      details: { limit: name },
    });
  }
}

function settingsOf({ limits = {} }: TenantSettings): LimitSettings {
  const { tenantPerMinute, botPerMinute, accountPerMinute, burst } = limits;
  const { tenant, bot, account } = DEFAULT_LIMITS;
  return {
    tenant: { perMinute: tenantPerMinute ?? tenant.perMinute, burst: burst ?? tenant.burst },
    bot: { perMinute: botPerMinute ?? bot.perMinute, burst: burst ?? bot.burst },
    account: { perMinute: accountPerMinute ?? account.perMinute, burst: burst ?? account.burst },
  };
}
