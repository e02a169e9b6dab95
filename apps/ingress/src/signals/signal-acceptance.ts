import { channel } from 'node:diagnostics_channel';
import { malformedEventId, type EncodedEvent } from '@tickwire/contracts';
import { TransientError } from '@tickwire/errors';
import type { EventLog } from '@tickwire/event-log';
import { ProblemError, type FieldProblem } from '@tickwire/problem-details';
import type { RateLimitHeaders } from '@tickwire/throttle';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import { claimKeys } from '../claims/claim-keys.js';
import type { ClaimAnswer, ClaimStore, PendingClaim } from '../claims/claim-store.js';
import { doneClaim, holdClaim, newClaim } from '../claims/hold-claim.js';
import type { IngressMetrics } from '../metrics/ingress-metrics.js';
import type { Proof } from '../schemes/scheme.js';
import type { Suspicions } from '../suspicion/suspicions.js';
import { acceptedAnswer, type StatusUrls } from './accepted-answer.js';
import type { AppendGate } from './append-gate.js';
import type { Signal } from './read-signal.js';
import { signalIdentity } from './signal-identity.js';
import { malformedRecord, receivedRecord } from './signal-records.js';

export interface AcceptanceParts {
  claims: ClaimStore;
  log: Pick<EventLog, 'append'>;
  gate: AppendGate;
  metrics: IngressMetrics;
  suspicions: Suspicions;
  logger: Logger;
  statusUrls: StatusUrls;
  /** How long claims stand, ms; all of it above the lease. */
  claimLife: ClaimLife;
}

export interface ClaimLife {
  /** After how long a claim without an answer may be taken over. */
  leaseMs: number;
  /** A request without an answer: the widest window in which its sender's signature stays valid. */
  pendingMs: number;
  doneMs: number;
  /** A request without nonce and signalId: for so long an equal body is the same signal. */
  drawnMs: number;
}

/** A signal of a proven sender, for an account that exists. */
export interface ReadySignal {
  signal: Signal;
  /** Ours, resolved from what the signal names. */
  accountId: string;
  proof: Proof;
  /** Of the bytes that the sender would send again. */
  bodyHash: string;
  nowMs: number;
  traceparent?: string | string[];
  /**
   * Called once the signal is claimed and before it is appended: what comes again costs nothing.
   * @returns headers for the answer. @throws ProblemError RATE_LIMITED: the claim is given back
   */
  limit(): Promise<RateLimitHeaders>;
}

export interface Accepted {
  answer: ClaimAnswer;
  /** The answer was given before, to an earlier sending of the same signal. */
  replayed: boolean;
  /** Absent from a repeated answer. */
  limits?: RateLimitHeaders;
}

interface ClaimedAppend {
  webhookId: string;
  encode(): EncodedEvent;
  /** Since when the claim is the caller's, on the monotonic clock. */
  heldSinceMs: number;
  /** Called where nothing was sent. */
  giveBack(): Promise<void>;
}

/** Says which step of a transaction path has been reached; fault tests listen and end the process there. */
const steps = channel('tickwire.steps');
const LEAST_RETRY_MS = 1_000;

/**
 * Takes a signal in: claims it, appends it to the log, and only then answers.
 *
 * Killed between any two steps it leaves a pending claim at most. The retry takes that over and appends the same
 * record under the same ids; the stages behind execute one of them.
 */
export class SignalAcceptance {
  constructor(private readonly parts: AcceptanceParts) {}

  /** @throws ProblemError IDEMPOTENCY_CONFLICT, IN_FLIGHT, RATE_LIMITED, LOG_UNAVAILABLE. @throws TransientError while claims cannot be made */
  async accept({ signal, accountId, proof, bodyHash, nowMs, traceparent, limit }: ReadySignal): Promise<Accepted> {
    const { claims, claimLife, logger, statusUrls, suspicions } = this.parts;
    const { tenantId, scheme, nonce } = proof;
    const { signalId, botId } = signal;
    const { ids, keys, drawn } = signalIdentity({ tenantId, accountId, signalId, botId, scheme, nonce, bodyHash }, v7);
    const pending = newClaim(bodyHash, ids, nowMs);
    const claim = await holdClaim(claims, keys, pending, drawn ? claimLife.drawnMs : claimLife.pendingMs);
    if (claim.state === 'done') {
      suspicions.replayed(tenantId, nonce ?? claim.ids.signalId, nowMs);
      // With its answer where an earlier version of the door has kept it.
      const given = claim.answer ?? acceptedAnswer(claim.ids, tenantId, claim.sinceMs, statusUrls);
      return { answer: given, replayed: true };
    }
    steps.publish('ingress.claimed');

    // From here on under the claim's ids and time: it may be one that was taken over.
    const heldSinceMs = performance.now();
    const { webhookId } = claim.ids;
    const { sinceMs: receivedAtMs } = claim;
    // One that was taken over may have a record in the log already: it is nobody's to give back.
    const giveBack = claim === pending ? () => this.#release(keys, claim) : () => Promise.resolve();
    // Not for one that was taken over: its first sender may have been told to come again.
    const limits =
      claim === pending
        ? await limit().catch(async (error: unknown) => {
            await giveBack();
            throw error;
          })
        : undefined;
    const encode = (): EncodedEvent =>
      receivedRecord({
        signal,
        accountId,
        webhookId,
        signalId: claim.ids.signalId,
        scheme,
        receivedAtMs,
        traceparent: typeof traceparent === 'string' ? traceparent : undefined,
      });
    await this.#append({ webhookId, encode, heldSinceMs, giveBack });
    steps.publish('ingress.appended');
    const answer = acceptedAnswer(claim.ids, tenantId, receivedAtMs, statusUrls);
    try {
      const doneMs = drawn ? claimLife.drawnMs : claimLife.doneMs;
      await claims.complete(keys, doneClaim(claim), doneMs);
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      // The record is in the log, and that is what 202 says. A retry takes the claim over and appends the same ids again.
      logger.warn({ webhookId, err: error }, 'the answer to a signal could not be kept');
    }
    steps.publish('ingress.completed');
    return { answer, replayed: false, ...(limits && { limits }) };
  }

  /**
   * Appends what `encode` makes and waits for the acknowledgement. What fails before anything was sent gives the claim
   * back; afterwards the outcome is unknown, and the claim stays for the retry to take over.
   */
  async #append({ webhookId, encode, heldSinceMs, giveBack }: ClaimedAppend): Promise<void> {
    const { claimLife, gate, log, metrics, logger } = this.parts;
    let record: EncodedEvent;
    let leave: () => void;
    try {
      record = encode();
      leave = gate.enter();
    } catch (error) {
      await giveBack();
      throw error;
    }
    const measured = metrics.startAppend();
    try {
      await log.append([record]);
      measured();
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      logger.warn({ webhookId, err: error }, 'an append ended without an acknowledgement');
      const leaseLeftMs = claimLife.leaseMs - (performance.now() - heldSinceMs);
      throw new ProblemError('LOG_UNAVAILABLE', 'The signal may have been taken in or not.', {
        retryAfterMs: Math.max(leaseLeftMs, LEAST_RETRY_MS),
      });
    } finally {
      leave();
    }
  }

  /** Leaves a trace of the refusal for the tenant, and the nonce free for the mended request. @throws ProblemError SCHEMA */
  async refuseMalformed(
    { tenantId, scheme, nonce }: Proof,
    body: unknown,
    errors: readonly FieldProblem[],
    bodyHash: string,
    nowMs: number,
  ): Promise<never> {
    const { claims, claimLife } = this.parts;
    const webhookId = malformedEventId(tenantId, nonce ?? bodyHash);
    const refusal = new ProblemError('SCHEMA', 'See errors; the request was recorded under webhookId.', {
      errors,
      details: { webhookId },
    });
    const encode = (): EncodedEvent => malformedRecord({ webhookId, tenantId, body, errors, failedAtMs: nowMs });
    const keys = claimKeys({
      tenantId,
      // Without a nonce the claim serves only repetitions of the same body at the same time.
      nonce: nonce === undefined ? { scheme: 'malformed', value: bodyHash } : { scheme, value: nonce },
    });
    const pending = newClaim(bodyHash, { webhookId, signalId: webhookId }, nowMs);
    const claim = await holdClaim(claims, keys, pending, claimLife.pendingMs);
    // An answered claim of the same body: it was a signal for an older version of the contract.
    if (claim.state === 'done') throw refusal;
    try {
      await this.#append({ webhookId, encode, heldSinceMs: performance.now(), giveBack: () => Promise.resolve() });
    } finally {
      // Also when the outcome is unknown: nothing can trade, and a repetition has the same id.
      await this.#release(keys, claim);
    }
    throw refusal;
  }

  /** A claim that cannot be given back ends by itself; the sender gets his answer all the same. */
  async #release(keys: string[], claim: PendingClaim): Promise<void> {
    try {
      await this.parts.claims.release(keys, claim);
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      this.parts.logger.warn({ webhookId: claim.ids.webhookId, err: error }, 'a claim could not be given back');
    }
  }
}
