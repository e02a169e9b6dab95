import { randomBytes } from 'node:crypto';
import { parseTimestamp, type Verdict } from '@tickwire/signing';
import { notAuthenticated, type Proven, type SchemeName, type UnprovenRequest } from './scheme.js';
import type { CandidateSecrets, ClaimedSender, SenderSecret, TenantSecrets } from './tenant-secrets.js';

/**
 * A signature is computed with at least so many keys before it is refused: a tenant and its bot, both in the middle of
 * a rotation, have four. So neither an unknown tenant nor a rotation shows in the time of a refusal.
 */
const LEAST_KEYS = 4;
/** Stand in where a sender has fewer keys. Drawn anew by each process, so that nobody signs with one. */
const DECOYS: readonly Buffer[] = Array.from({ length: LEAST_KEYS }, () => randomBytes(32));

const NOBODYS: CandidateSecrets = { candidates: [], tenantHasAny: false };

/** For a `Verdict` that tells of the signature alone: the window is the tenant's, and the signature says whose. */
export const ANY_AGE_MS = Number.MAX_VALUE;

/** A request as the scheme reads it that signs with a secret shared by the two sides. */
export interface SignedRequest {
  scheme: SchemeName;
  /** Undefined where the request names no tenant: it is refused like one that names an unknown one. */
  sender: ClaimedSender | undefined;
  /** The signed time as it was written. */
  timestamp: string | undefined;
  /** The scheme's default window, ms. */
  toleranceMs: number;
  nonce?: string;
  /** The scheme's key of a secret; undefined where the secret has none. */
  keyOf(secret: SenderSecret): Buffer | undefined;
  /** Looks for the key that signed, and looks away from the time, see `ANY_AGE_MS`. */
  verify(keys: readonly Buffer[]): Verdict;
}

/** @returns the sender that a body names, if it names a tenant */
export function claimedSender({ tenantId, botId }: UnprovenRequest['claims']): ClaimedSender | undefined {
  return tenantId === undefined ? undefined : { tenantId, botId };
}

/**
 * Proves a request by a signature: on the secrets that are known, then, if none of them signed, on those in the
 * database. A request of an unknown tenant goes the same way with as many keys.
 * @throws ProblemError BAD_SIGNATURE, also for a time that cannot be read
 * @throws TransientError while the secrets cannot be read
 */
export async function proveSigned(secrets: TenantSecrets, request: SignedRequest, nowMs: number): Promise<Proven> {
  const { scheme, sender, timestamp, toleranceMs, nonce } = request;
  const signer = await findSigner(secrets, request, nowMs);
  const atMs = timestamp === undefined ? undefined : parseTimestamp(timestamp);
  if (sender === undefined || signer === undefined || atMs === undefined) throw notAuthenticated();
  return {
    scheme,
    tenantId: sender.tenantId,
    ...(signer.botId === null ? {} : { botId: signer.botId }),
    ...(nonce === undefined ? {} : { nonce }),
    signed: { atMs, toleranceMs },
  };
}

async function findSigner(
  secrets: TenantSecrets,
  request: SignedRequest,
  nowMs: number,
): Promise<SenderSecret | undefined> {
  const { sender } = request;
  const tried = new Set<Buffer>();
  const cached = sender === undefined ? NOBODYS : await secrets.of(sender, nowMs);
  const signer = signerAmong(cached.candidates, request, tried, 0);
  if (signer !== undefined) return signer;
  // An unknown tenant has just been looked for in the database; a known one is read there now.
  const confirmed = sender && cached.tenantHasAny ? await secrets.confirmedOf(sender, nowMs) : NOBODYS;
  return signerAmong(confirmed.candidates, request, tried, LEAST_KEYS);
}

/** @param leastKeys decoys fill `tried` and the candidates up to this number */
function signerAmong(
  candidates: readonly SenderSecret[],
  request: SignedRequest,
  tried: Set<Buffer>,
  leastKeys: number,
): SenderSecret | undefined {
  const usable: SenderSecret[] = [];
  const keys: Buffer[] = [];
  for (const secret of candidates) {
    const key = request.keyOf(secret);
    if (key === undefined || tried.has(key)) continue;
    tried.add(key);
    usable.push(secret);
    keys.push(key);
  }
  // Behind the real ones: a signature that holds costs no decoy.
  keys.push(...DECOYS.slice(0, Math.max(leastKeys - tried.size, 0)));
  if (keys.length === 0) return undefined;
  const verdict = request.verify(keys);
  return verdict.ok ? usable[verdict.keyIndex] : undefined;
}
