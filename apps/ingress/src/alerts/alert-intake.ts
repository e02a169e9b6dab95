import { setTimeout as sleep } from 'node:timers/promises';
import { hashApiKey, parseApiKey } from '@tickwire/credentials';
import type { Directory } from '@tickwire/directory';
import { ProblemError } from '@tickwire/problem-details';
import type { Admission, DoorRequest } from '../admission/admission.js';
import type { RequestLimits } from '../admission/request-limits.js';
import { requireAllowed } from '../schemes/scheme-policy.js';
import { notAuthenticated, type Proof } from '../schemes/scheme.js';
import type { Accepted, SignalAcceptance } from '../signals/signal-acceptance.js';
import { hashOf } from '../signals/signal-identity.js';
import type { TakenIn } from '../signals/signal-intake.js';
import { alertInput } from './alert-input.js';
import { readAlert } from './read-alert.js';

/** TradingView gives an alert 3 s; a sender that is still there gets an answer of ours before that. */
const DEADLINE_MS = 2_500;
const RETRY_MS = 2_000;

export interface AlertParts {
  admission: Admission;
  limits: RequestLimits;
  acceptance: SignalAcceptance;
  directory: Pick<Directory, 'alertToken'>;
  /** Of the hashes of tokens; at least 16 bytes. */
  pepper: Uint8Array;
  now(): number;
}

/** Alerts of senders that cannot sign: the address is the credential, bound to one bot on one account. */
export class AlertIntake {
  constructor(private readonly parts: AlertParts) {}

  /** @throws ProblemError for every refusal. @throws TransientError while database or claim store are away */
  async take(token: string, { headers, body, source }: DoorRequest): Promise<TakenIn> {
    const { admission, limits, acceptance, now } = this.parts;
    const nowMs = now();
    const binding = await this.#binding(token);
    const { tenantId, botId, accountId } = binding;
    const proof: Proof = { scheme: 'alert', tenantId, botId };
    const admitted = await admission.admitProven(proof, source, nowMs);
    requireAllowed(admitted.settings, 'alert');

    const bodyHash = hashOf(body);
    const read = readAlert(alertInput(headers['content-type'], body, binding));
    if ('errors' in read) {
      await limits.take(admitted, { botId }, 1, nowMs);
      return acceptance.refuseMalformed(proof, undefined, read.errors, bodyHash, nowMs);
    }
    const { signal, identity } = read;
    const nonce = identity === undefined ? undefined : hashOf(identity);
    const limit = () => limits.take(admitted, { botId, accountId }, 1, nowMs);
    const accepted = await inTime(
      acceptance.accept({
        signal,
        accountId,
        proof: { ...proof, nonce },
        bodyHash,
        nowMs,
        traceparent: headers['traceparent'],
        limit,
      }),
    );
    return { ...accepted, scheme: 'alert' };
  }

  /** @throws ProblemError 401, the same for garbage, unknown and revoked tokens */
  async #binding(
    token: string,
  ): Promise<{ tenantId: string; accountId: string; botId: string; symbolMap: Record<string, string> }> {
    const key = parseApiKey(token);
    if (key?.kind !== 'alert') throw notAuthenticated();
    const entry = await this.parts.directory.alertToken(hashApiKey(key, this.parts.pepper));
    if (entry === undefined) throw notAuthenticated();
    return entry;
  }
}

/** @throws ProblemError LOG_UNAVAILABLE when it takes too long: it may be taken in all the same */
async function inTime(accepting: Promise<Accepted>): Promise<Accepted> {
  const timer = new AbortController();
  const late = sleep(DEADLINE_MS, undefined, { signal: timer.signal }).then(
    () => undefined,
    () => undefined,
  );
  try {
    const accepted = await Promise.race([accepting, late]);
    if (accepted !== undefined) return accepted;
    accepting.catch(() => undefined); // its outcome is nobody's any more
    throw new ProblemError('LOG_UNAVAILABLE', 'The alert may have been taken in or not.', { retryAfterMs: RETRY_MS });
  } finally {
    timer.abort();
  }
}
