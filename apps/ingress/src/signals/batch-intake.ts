import { malformedEventId } from '@tickwire/contracts';
import { TransientError } from '@tickwire/errors';
import { problemAnswer, ProblemError } from '@tickwire/problem-details';
import { parseJson } from '@tickwire/runtime';
import { claimKeys } from '../claims/claim-keys.js';
import type { ClaimAnswer, ClaimStore } from '../claims/claim-store.js';
import { doneClaim, holdClaim, newClaim } from '../claims/hold-claim.js';
import type { Admission, DoorRequest } from '../admission/admission.js';
import type { RequestLimits } from '../admission/request-limits.js';
import { scanFields, scanItems } from './scan-fields.js';
import type { ClaimLife } from './signal-acceptance.js';
import { hashOf } from './signal-identity.js';
import { pointerTo } from './pointer-to.js';
import { claimsOf, scanSignal, type Sent, type SignalIntake, type TakenIn } from './signal-intake.js';

export const MAX_SIGNALS = 100;
/** Of the whole document; each signal is held to its own number. */
const MAX_KEYS = 4_000;
const CLAIM_FIELDS: ReadonlySet<string> = new Set(['tenantId', 'botId', 'timestamp']);
const MEMBERS: ReadonlySet<string> = new Set([...CLAIM_FIELDS, 'signals']);
const RETRY_MS = 2_000;

export interface BatchParts {
  admission: Admission;
  limits: RequestLimits;
  intake: SignalIntake;
  claims: ClaimStore;
  claimLife: ClaimLife;
  now(): number;
}

/** A signal of the batch, as it stands there. */
interface Item {
  body: Buffer;
  /** See `scanSignal`. */
  raw: ReadonlyMap<string, string>;
}

/**
 * Many signals in one request, each accepted or refused by itself. The request's nonce claims the whole of it, so that a
 * repetition gets the same answer; each signal is claimed under its signalId besides, so that one that was taken in
 * before a crash is not taken in again.
 */
export class BatchIntake {
  constructor(private readonly parts: BatchParts) {}

  /**
   * @throws ProblemError where nothing of the batch was looked at
   * @throws TransientError while database or claim store are away: what was taken in by then is known again
   */
  async take({ headers, body, source }: DoorRequest, requestId: string): Promise<TakenIn> {
    const { admission, limits, claims, claimLife, now } = this.parts;
    const nowMs = now();
    const items = (scanItems(body, 'signals') ?? []).map((item) => ({ body: item, raw: scanSignal(item) }));
    const own = claimsOf(scanFields(body, CLAIM_FIELDS));
    // A batch may name its tenant once, or leave that to its signals.
    const first = items[0] === undefined ? {} : claimsOf(items[0].raw);
    const named = { ...first, ...definedOf(own) };
    const admitted = await admission.admit({ headers, body, claims: named, nowMs }, source);
    const { proof } = admitted;
    const signals = requireBatch(parseJson(body, { maxKeys: MAX_KEYS, anyNames: true }), proof.tenantId);
    if (signals !== items.length) throw new ProblemError('BAD_REQUEST', 'The list of signals cannot be read.');
    const headersOfLimits = await limits.take(admitted, {}, signals, nowMs);

    const answer = async (): Promise<ClaimAnswer> => {
      const sent = { admitted: { ...admitted, proof: { ...proof, nonce: undefined } }, nowMs, inBatch: true };
      const traceparent = headers['traceparent'];
      return answerOf(await this.#takeAll(items, { ...sent, traceparent }, requestId));
    };
    const result = { scheme: proof.scheme, limits: headersOfLimits };
    if (proof.nonce === undefined) return { ...result, answer: await answer(), replayed: false };

    const bodyHash = hashOf(body);
    const keys = claimKeys({ tenantId: proof.tenantId, nonce: { scheme: proof.scheme, value: proof.nonce } });
    const id = malformedEventId(proof.tenantId, proof.nonce);
    const pending = newClaim(bodyHash, { webhookId: id, signalId: id }, nowMs);
    const claim = await holdClaim(claims, keys, pending, claimLife.pendingMs);
    if (claim.state === 'done') {
      // Answers to single signals are not kept; under the same nonce and body one cannot be this batch.
      if (claim.answer === undefined)
        throw new ProblemError('IDEMPOTENCY_CONFLICT', 'This nonce was used for a signal.');
      return { ...result, answer: claim.answer, replayed: true };
    }
    let given: ClaimAnswer;
    try {
      given = await answer();
    } catch (error) {
      await claims.release(keys, claim).catch(() => undefined); // it ends by itself
      throw error;
    }
    await claims.complete(keys, doneClaim(claim, given), claimLife.doneMs).catch((error: unknown) => {
      if (!TransientError.is(error)) throw error;
      // Each signal is known by itself: a repetition finds them taken in.
    });
    return { ...result, answer: given, replayed: false };
  }

  /** Signals of one account one after the other, in the order they stand; accounts beside each other. */
  async #takeAll(items: readonly Item[], sent: Omit<Sent, 'body'>, requestId: string): Promise<object[]> {
    const results: object[] = Array.from({ length: items.length });
    const lanes = new Map<string, number[]>();
    items.forEach(({ raw }, index) => {
      const account = raw.get('accountId') ?? '';
      lanes.set(account, [...(lanes.get(account) ?? []), index]);
    });
    let away: unknown;
    await Promise.all(
      [...lanes.values()].map(async (lane) => {
        for (const index of lane) {
          if (away !== undefined) return;
          try {
            results[index] = await this.#takeOne(items[index]!, sent, requestId);
          } catch (error) {
            away ??= error;
          }
        }
      }),
    );
    if (away !== undefined) throw away;
    return results;
  }

  /** @throws whatever makes the outcome of the whole request unknown */
  async #takeOne({ body: bytes, raw }: Item, sent: Omit<Sent, 'body'>, requestId: string): Promise<object> {
    try {
      requireId(raw);
      const { answer, replayed } = await this.parts.intake.takeSent({ ...sent, body: bytes }, raw);
      return { ...(JSON.parse(answer.body) as object), ...(replayed ? { replayed: true } : {}) };
    } catch (error) {
      const { body } = problemAnswer(error, requestId);
      if (body.status >= 500) {
        if (TransientError.is(error) || error instanceof ProblemError) throw error;
        throw new ProblemError('UNAVAILABLE', 'A part of the batch may have been taken in; send it again.', {
          retryAfterMs: RETRY_MS,
        });
      }
      return { status: 'refused', problem: body };
    }
  }
}

/** The batch has one nonce for all, so each signal needs an id of its own. @throws ProblemError SCHEMA */
function requireId(raw: ReadonlyMap<string, string>): void {
  if (raw.has('signalId')) return;
  throw new ProblemError('SCHEMA', 'See errors; nothing was recorded.', {
    errors: [{ pointer: '/signalId', code: 'REQUIRED', detail: 'is required of each signal in a batch' }],
  });
}

/** @returns how many signals there are. @throws ProblemError SCHEMA, TENANT_MISMATCH */
function requireBatch(body: unknown, tenantId: string): number {
  const errors: { pointer: string; code: string; detail: string }[] = [];
  const members = (typeof body === 'object' && body !== null && !Array.isArray(body) ? body : {}) as Record<
    string,
    unknown
  >;
  const { signals } = members;
  if (!Array.isArray(signals)) {
    errors.push({ pointer: '/signals', code: 'REQUIRED', detail: `must be a list of 1 to ${MAX_SIGNALS} signals` });
  } else if (signals.length < 1 || signals.length > MAX_SIGNALS) {
    errors.push({ pointer: '/signals', code: 'INVALID', detail: `must hold 1 to ${MAX_SIGNALS} signals` });
  }
  for (const name of Object.keys(members)) {
    if (MEMBERS.has(name)) continue;
    errors.push({ pointer: pointerTo(name), code: 'UNKNOWN_FIELD', detail: 'is not a field of a batch' });
  }
  if (errors.length > 0) throw new ProblemError('SCHEMA', 'See errors; nothing was recorded.', { errors });
  if (typeof members['tenantId'] === 'string' && members['tenantId'] !== tenantId) {
    throw new ProblemError('TENANT_MISMATCH', "The body's tenantId is not the credential's.");
  }
  return (signals as unknown[]).length;
}

function answerOf(results: readonly object[]): ClaimAnswer {
  return { status: 202, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ results }) };
}

function definedOf<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}
