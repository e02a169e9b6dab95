import type { WebhookSuspicious } from '@tickwire/contracts';
import type { TenantSettings } from '@tickwire/directory';
import { consequence } from '@tickwire/throttle';

/** What is done about a suspect until a time. */
export type NewRestriction = { kind: 'throttle'; factor: number; until: Date } | { kind: 'quarantine'; until: Date };

/**
 * What a tenant's policy makes of a suspicion. Times run from when it was found: one that was told late restricts no
 * longer for it, and one that is over restricts nothing.
 * @returns undefined: it is only told
 */
export function restrictionOf(
  { tenantId, pattern, suspect, detectedAt }: WebhookSuspicious,
  { suspicion: policies }: TenantSettings,
  nowMs: number,
): NewRestriction | undefined {
  const finding = { pattern, subject: { ...suspect, tenantId } };
  const { throttleFactor, throttledUntilMs, quarantinedUntilMs } = consequence(
    policies?.[pattern] ?? 'flag',
    finding,
    Date.parse(detectedAt),
  );
  const untilMs = quarantinedUntilMs ?? throttledUntilMs;
  if (untilMs === undefined || untilMs <= nowMs) return undefined;
  const until = new Date(untilMs);
  if (quarantinedUntilMs !== undefined) return { kind: 'quarantine', until };
  return throttleFactor === undefined ? undefined : { kind: 'throttle', factor: throttleFactor, until };
}
