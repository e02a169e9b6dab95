import { signStatusToken } from '@tickwire/credentials';
import type { ClaimAnswer, ClaimedIds } from '../claims/claim-store.js';

export interface StatusUrls {
  /** Where api is reached, without a slash at its end. */
  apiUrl: string;
  /** Shared with api; at least 32 bytes. */
  tokenKey: Uint8Array;
}

/**
 * The answer to a signal that is in the log. The URL carries its own credential and the tenant that it is signed for,
 * because api may not have a row yet that would tell it the tenant.
 * @param receivedAtMs of the first request, so that every answer to the signal has the same bytes
 */
export function acceptedAnswer(
  { webhookId, signalId }: ClaimedIds,
  tenantId: string,
  receivedAtMs: number,
  { apiUrl, tokenKey }: StatusUrls,
): ClaimAnswer {
  const token = signStatusToken({ tenantId, webhookId }, receivedAtMs, tokenKey);
  const statusUrl = `${apiUrl}/api/v1/signals/${webhookId}?t=${token}&tenantId=${encodeURIComponent(tenantId)}`;
  return {
    status: 202,
    headers: { 'content-type': 'application/json', location: statusUrl },
    body: JSON.stringify({ webhookId, signalId, status: 'received', statusUrl }),
  };
}
