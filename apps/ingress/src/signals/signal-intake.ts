import type { Directory } from '@tickwire/directory';
import { ProblemError, type FieldProblem } from '@tickwire/problem-details';
import { parseJson } from '@tickwire/runtime';
import type { Admission, Admitted, DoorRequest } from '../admission/admission.js';
import type { RequestLimits } from '../admission/request-limits.js';
import type { Proof, SchemeName } from '../schemes/scheme.js';
import { accountNamed } from './accounts-by-name.js';
import { AMOUNT_FIELDS, isStorable, readSignal } from './read-signal.js';
import { scanFields, textOf } from './scan-fields.js';
import type { Accepted, SignalAcceptance } from './signal-acceptance.js';
import { hashOf } from './signal-identity.js';

export interface TakenIn extends Accepted {
  scheme: SchemeName;
}

export interface IntakeParts {
  admission: Admission;
  limits: RequestLimits;
  acceptance: SignalAcceptance;
  directory: Pick<Directory, 'account' | 'accountByExternalId'>;
  /** Wall clock, ms since the epoch. */
  now(): number;
}

/** What a signal came with. */
export interface Sent {
  admitted: Admitted;
  /** The bytes of the signal itself: of the request, or of its place in a batch. */
  body: Buffer;
  nowMs: number;
  traceparent?: string | string[];
  /** With a batch, which has been counted for its tenant. */
  inBatch?: boolean;
}

const SCANNED_FIELDS: ReadonlySet<string> = new Set([
  'tenantId',
  'accountId',
  'botId',
  'signalId',
  'timestamp',
  ...AMOUNT_FIELDS,
]);
const MAX_ID_LENGTH = 64;
/** Their signatures stay good longer than an equal body is known again: without an id the same bytes would trade twice. */
const ID_REQUIRED: ReadonlySet<SchemeName> = new Set(['timestamped-hex', 'body-hex']);

/** One signal in a request: proves who sends, holds to the limits, reads it, and has it accepted. */
export class SignalIntake {
  constructor(private readonly parts: IntakeParts) {}

  /**
   * @throws ProblemError for every refusal
   * @throws TransientError while database or claim store are away; nothing was appended
   */
  async take({ headers, body, source }: DoorRequest): Promise<TakenIn> {
    const nowMs = this.parts.now();
    const raw = scanSignal(body);
    const admitted = await this.parts.admission.admit({ headers, body, claims: claimsOf(raw), nowMs }, source);
    return this.takeSent({ admitted, body, nowMs, traceparent: headers['traceparent'] }, raw);
  }

  /** A signal of an admitted sender. Throws as `take`. @param raw of its body, see `scanSignal` */
  async takeSent(sent: Sent, raw: ReadonlyMap<string, string>): Promise<TakenIn> {
    const { limits, acceptance, directory } = this.parts;
    const { admitted, body, nowMs, traceparent, inBatch = false } = sent;
    const { proof } = admitted;
    const parsed = parseJson(body, { anyNames: true });
    requireOwnSignal(parsed, proof);
    const bodyHash = hashOf(body);
    const read = readSignal(parsed, raw);
    const errors = 'errors' in read ? read.errors : missingId(read.signal, proof);
    if (errors.length > 0 || 'errors' in read) {
      // What it leaves in the log for the tenant counts, too.
      await limits.take(admitted, {}, 1, nowMs);
      return acceptance.refuseMalformed(proof, parsed, errors, bodyHash, nowMs);
    }
    const { signal } = read;
    const accountId = await accountNamed(directory, proof.tenantId, signal.accountId);
    const counted = { botId: signal.botId, accountId, withoutTenant: inBatch };
    const limit = () => limits.take(admitted, counted, 1, nowMs);
    const accepted = await acceptance.accept({ signal, accountId, proof, bodyHash, nowMs, traceparent, limit });
    return { ...accepted, scheme: proof.scheme };
  }
}

/** The members of a signal that are looked at in its bytes; see `scanFields`. */
export function scanSignal(body: Buffer): Map<string, string> {
  return scanFields(body, SCANNED_FIELDS);
}

/** What a body says of itself before anything is proven; see `scanFields`. */
export function claimsOf(raw: ReadonlyMap<string, string>): { tenantId?: string; botId?: string; timestamp?: string } {
  return {
    tenantId: claimedText(raw.get('tenantId')),
    botId: claimedText(raw.get('botId')),
    timestamp: claimedText(raw.get('timestamp')),
  };
}

/** A text from the body that may be looked up; before the proof, so it must not make a query fail. */
function claimedText(raw: string | undefined): string | undefined {
  const text = textOf(raw);
  return text !== undefined && text !== '' && text.length <= MAX_ID_LENGTH && isStorable(text) ? text : undefined;
}

function missingId({ signalId }: { signalId?: string }, { scheme }: Proof): FieldProblem[] {
  if (signalId !== undefined || !ID_REQUIRED.has(scheme)) return [];
  return [
    { pointer: '/signalId', code: 'REQUIRED', detail: `is required with the scheme ${scheme}, which has no nonce` },
  ];
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
