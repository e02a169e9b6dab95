/**
 * The keys under which a request is claimed: its nonce within (tenant, scheme), and its signal within (tenant,
 * account). JSON keeps the parts apart whatever characters the sender's ids hold.
 * @param request `nonce` absent where the scheme has none besides the signalId; one of both keys always exists
 * @returns one or two keys, all different
 */
export function claimKeys(request: {
  tenantId: string;
  nonce?: { scheme: string; value: string };
  signal?: { accountId: string; signalId: string };
}): string[] {
  const { tenantId, nonce, signal } = request;
  const keys: string[] = [];
  if (nonce !== undefined) keys.push(JSON.stringify(['nonce', tenantId, nonce.scheme, nonce.value]));
  if (signal !== undefined) keys.push(JSON.stringify(['signal', tenantId, signal.accountId, signal.signalId]));
  return keys;
}
