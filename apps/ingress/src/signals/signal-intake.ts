import { randomUUID } from 'node:crypto';
import { channel } from 'node:diagnostics_channel';
import type { IncomingHttpHeaders } from 'node:http';
import { malformedEventId, type EncodedEvent } from '@tickwire/contracts';
import type { Directory } from '@tickwire/directory';
import { TransientError } from '@tickwire/errors';
import type { EventLog } from '@tickwire/event-log';
import { ProblemError, type FieldProblem } from '@tickwire/problem-details';
import { parseJson } from '@tickwire/runtime';
import type { Logger } from 'pino';
import { v7 } from 'uuid';
import { claimKeys } from '../claims/claim-keys.js';
import type { ClaimAnswer, ClaimStore, PendingClaim } from '../claims/claim-store.js';
import { holdClaim } from '../claims/hold-claim.js';
import type { IngressMetrics } from '../metrics/ingress-metrics.js';
import { authenticate, type Proof, type Scheme, type SchemeName } from '../schemes/scheme.js';
import { acceptedAnswer, type StatusUrls } from './accepted-answer.js';
import type { AppendGate } from './append-gate.js';
import { AMOUNT_FIELDS, isStorable, readSignal, type Signal } from './read-signal.js';
import { scanFields, textOf } from './scan-fields.js';
import { hashOf, signalIdentity } from './signal-identity.js';
import { malformedRecord, receivedRecord } from './signal-records.js';

export interface SignalRequestBytes {
  headers: IncomingHttpHeaders;
  /** As they came. */
  body: Buffer;
}

export interface TakenIn {
  answer: ClaimAnswer;
  scheme: SchemeName;
  /** The answer was given before, to an earlier sending of the same signal. */
  replayed: boolean;
}

export interface IntakeParts {
  schemes: readonly Scheme[];
  directory: Pick<Directory, 'tenant' | 'account' | 'accountByExternalId'>;
  claims: ClaimStore;
  log: Pick<EventLog, 'append'>;
  gate: AppendGate;
  metrics: IngressMetrics;
  logger: Logger;
  statusUrls: StatusUrls;
  /** How long claims stand, ms; all of it above the lease. */
  claimLife: ClaimLife;
  /** Wall clock, ms since the epoch. */
  now(): number;
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

const SCANNED_FIELDS: ReadonlySet<string> = new Set(['tenantId', 'botId', ...AMOUNT_FIELDS]);
const MAX_ID_LENGTH = 64;
const OWN_ACCOUNT = /^acc_/;
const LEAST_RETRY_MS = 1_000;

/**
 * The door: proves who sends, reads the signal, claims it, appends it to the log, and only then answers.
 *
 * Killed between any two steps it leaves a pending claim at most. The retry takes that over and appends the same
 * record under the same ids; the stages behind execute one of them.
 */
export class SignalIntake {
  constructor(private readonly parts: IntakeParts) {}

  /**
   * @throws ProblemError for every refusal
   * @throws TransientError while database or claim store are away; nothing was appended
   */
  async take({ headers, body }: SignalRequestBytes): Promise<TakenIn> {
    const { schemes, directory, now } = this.parts;
    const nowMs = now();
    const raw = scanFields(body, SCANNED_FIELDS);
    const claims = { tenantId: claimedId(raw.get('tenantId')), botId: claimedId(raw.get('botId')) };
    const proof = await authenticate(schemes, { headers, body, claims, nowMs });

    const tenant = await directory.tenant(proof.tenantId);
    if (tenant?.status !== 'active') throw new ProblemError('TENANT_INACTIVE', 'The tenant may not send signals now.');
    const parsed = parseJson(body);
    requireOwnSignal(parsed, proof);
    const bodyHash = hashOf(body);
    const read = readSignal(parsed, raw);
    if ('errors' in read) return this.#refuseMalformed(proof, parsed, read.errors, bodyHash, nowMs);
    const accountId = await this.#accountId(proof.tenantId, read.signal.accountId);
    return this.#takeSignal(read.signal, accountId, proof, bodyHash, nowMs, headers['traceparent']);
  }

  async #takeSignal(
    signal: Signal,
    accountId: string,
    proof: Proof,
    bodyHash: string,
    nowMs: number,
    traceparent: string | string[] | undefined,
  ): Promise<TakenIn> {
    const { claims, claimLife, logger, statusUrls } = this.parts;
    const { tenantId, scheme, nonce } = proof;
    const { signalId, botId } = signal;
    const { ids, keys, drawn } = signalIdentity({ tenantId, accountId, signalId, botId, scheme, nonce, bodyHash }, v7);
    const pending: PendingClaim = { state: 'pending', token: randomUUID(), bodyHash, ids, sinceMs: nowMs };
    const claim = await holdClaim(claims, keys, pending, drawn ? claimLife.drawnMs : claimLife.pendingMs);
    if (claim.state === 'done') return { answer: claim.answer, scheme, replayed: true };
    steps.publish('ingress.claimed');

    // From here on under the claim's ids and time: it may be one that was taken over.
    const heldSinceMs = performance.now();
    const { webhookId } = claim.ids;
    const { sinceMs: receivedAtMs } = claim;
    // One that was taken over may have a record in the log already: it is nobody's to give back.
    const giveBack = claim === pending ? () => this.#release(keys, claim) : () => Promise.resolve();
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
      await claims.complete(keys, { state: 'done', bodyHash, ids: claim.ids, answer }, doneMs);
    } catch (error) {
      if (!TransientError.is(error)) throw error;
      // The record is in the log, and that is what 202 says. A retry takes the claim over and appends the same ids again.
      logger.warn({ webhookId, err: error }, 'the answer to a signal could not be kept');
    }
    steps.publish('ingress.completed');
    return { answer, scheme, replayed: false };
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
  async #refuseMalformed(
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
    const ids = { webhookId, signalId: webhookId };
    const pending: PendingClaim = { state: 'pending', token: randomUUID(), bodyHash, ids, sinceMs: nowMs };
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

  /** @param named ours, or the tenant's own number. @throws ProblemError UNKNOWN_ACCOUNT, also for another tenant's */
  async #accountId(tenantId: string, named: string): Promise<string> {
    const { directory } = this.parts;
    const own = OWN_ACCOUNT.test(named) ? await directory.account(named) : undefined;
    if (own?.tenantId === tenantId) return own.id;
    const external = await directory.accountByExternalId(tenantId, named);
    if (external !== undefined) return external.id;
    throw new ProblemError('UNKNOWN_ACCOUNT', 'The tenant has no account of this id or number.');
  }
}

/** An id from the body that may be looked up; before the proof, so it must not make a query fail. */
function claimedId(raw: string | undefined): string | undefined {
  const text = textOf(raw);
  return text !== undefined && text !== '' && text.length <= MAX_ID_LENGTH && isStorable(text) ? text : undefined;
}

/** The body as parsed has to name the sender that was proven. @throws ProblemError TENANT_MISMATCH, FORBIDDEN */
function requireOwnSignal(body: unknown, proof: Proof): void {
  if (typeof body !== 'object' || body === null) return;
  const { tenantId, botId } = body as Record<string, unknown>;
  if (typeof tenantId === 'string' && tenantId !== proof.tenantId) {
    throw new ProblemError('TENANT_MISMATCH', "The body's tenantId is not the credential's.");
  }
  if (proof.botId !== undefined && botId !== proof.botId) {
    throw new ProblemError('FORBIDDEN', "The body's botId is not the bot whose secret signed.");
  }
}
