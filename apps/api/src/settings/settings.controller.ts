import { Body, Controller, Get, Inject, Patch } from '@nestjs/common';
import { SIGNAL_SCHEMES, SUSPICIOUS_PATTERNS } from '@tickwire/contracts';
import type { TenantSettings } from '@tickwire/directory';
import { ProblemError } from '@tickwire/problem-details';
import { DEFAULT_LIMITS, type SuspicionPolicy } from '@tickwire/throttle';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { Tenants } from '../tenants/tenants.js';
import { SettingsChange } from './settings-requests.js';

/** What is in force for the tenant: its own choices, and the defaults for the rest. */
interface SettingsAnswer {
  precheck: 'annotate' | 'enforce';
  schemes: readonly string[];
  /** ms. Only what the tenant has set: the defaults are the door's own. */
  toleranceMs: object;
  suspicion: Record<string, SuspicionPolicy>;
  /** Signals a minute, and how many at once; `burst` null: each kind's default. */
  limits: { tenantPerMinute: number; botPerMinute: number; accountPerMinute: number; burst: number | null };
}

@Controller('settings')
@Allow('manage')
export class SettingsController {
  constructor(@Inject(Tenants) private readonly tenants: Tenants) {}

  @Get()
  async find(@TenantId() tenantId: string): Promise<SettingsAnswer> {
    return toAnswer((await this.tenants.find(tenantId)).settings);
  }

  @Patch()
  async change(@By() by: Author, @Body() { limits, ...settings }: SettingsChange): Promise<SettingsAnswer> {
    if (limits !== undefined) {
      throw new ProblemError('FORBIDDEN', 'Limits are set by operators.', {
        errors: [{ pointer: '/limits', code: 'OPERATORS_ONLY', detail: 'ask an operator to change them' }],
      });
    }
    return toAnswer((await this.tenants.change(by, 'settings.changed', { settings })).settings);
  }
}

function toAnswer({ precheck, schemes, toleranceMs, suspicion, limits }: TenantSettings): SettingsAnswer {
  return {
    precheck: precheck ?? 'annotate',
    schemes: schemes ?? SIGNAL_SCHEMES,
    toleranceMs: toleranceMs ?? {},
    suspicion: Object.fromEntries(SUSPICIOUS_PATTERNS.map((pattern) => [pattern, suspicion?.[pattern] ?? 'flag'])),
    limits: {
      tenantPerMinute: limits?.tenantPerMinute ?? DEFAULT_LIMITS.tenant.perMinute,
      botPerMinute: limits?.botPerMinute ?? DEFAULT_LIMITS.bot.perMinute,
      accountPerMinute: limits?.accountPerMinute ?? DEFAULT_LIMITS.account.perMinute,
      burst: limits?.burst ?? null,
    },
  };
}
