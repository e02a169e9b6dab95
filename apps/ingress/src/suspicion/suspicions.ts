import { derivedId, encodeEvent, createEvent, webhookSuspicious, type WebhookSuspicious } from '@tickwire/contracts';
import type { Directory } from '@tickwire/directory';
import type { EventLog } from '@tickwire/event-log';
import type { ProblemError } from '@tickwire/problem-details';
import { ReplayStorm, SignatureFailureStorm, WrongClock, type Finding, type Subject } from '@tickwire/throttle';
import type { Logger } from 'pino';
import type { ClockReading } from '../schemes/scheme.js';

/** Who sent, as far as the request says. */
export interface Suspect {
  tenantId?: string;
  botId?: string;
  source: string;
}

export interface SuspicionParts {
  directory: Pick<Directory, 'tenant'>;
  log: Pick<EventLog, 'append'>;
  logger: Logger;
}

const MAX_SUBJECT = 255;

/**
 * Watches what senders do for patterns, and tells of them as `webhook.suspicious`. What follows is decided elsewhere, by
 * the tenant's policy, and comes back as a restriction. Counts are this replica's own.
 */
export class Suspicions {
  private readonly failures = new SignatureFailureStorm();
  private readonly replays = new ReplayStorm();
  private readonly clocks = new WrongClock();

  constructor(private readonly parts: SuspicionParts) {}

  /** A request was refused before or at its proof. */
  refused(error: ProblemError, suspect: Suspect, nowMs: number): void {
    if (suspect.tenantId === undefined) return;
    if (error.code === 'BAD_SIGNATURE') {
      for (const subject of subjectsOf({ ...suspect, tenantId: suspect.tenantId }))
        this.tell(this.failures.observe(subject, nowMs), nowMs);
    } else if (error.code === 'STALE_TIMESTAMP') {
      // The signature held: the sender is who he says.
      // Told the other way round there: how far he is behind.
      const { skewMs: behindMs, toleranceMs } = error.details as unknown as ClockReading;
      const skewMs = -behindMs;
      this.clock({ ...suspect, tenantId: suspect.tenantId }, { skewMs, toleranceMs }, nowMs);
    }
  }

  /** How far the clock of a proven sender is off. */
  clock(suspect: Suspect & { tenantId: string }, reading: ClockReading, nowMs: number): void {
    const { tenantId, botId } = suspect;
    const subject: Subject =
      botId === undefined ? { kind: 'tenant', tenantId, id: tenantId } : { kind: 'bot', tenantId, id: botId };
    this.tell(this.clocks.observe(subject, reading, nowMs), nowMs);
  }

  /** A request got the answer that it had got before. */
  replayed(tenantId: string, nonce: string, nowMs: number): void {
    this.tell(this.replays.observe({ tenantId, nonce: nonce.slice(0, MAX_SUBJECT) }, nowMs), nowMs);
  }

  private tell(finding: Finding | undefined, nowMs: number): void {
    if (finding === undefined) return;
    // Nobody waits for this: the answer must not take longer for a sender who is being watched.
    void this.publish(finding, nowMs).catch((error: unknown) =>
      this.parts.logger.warn({ pattern: finding.pattern, err: error }, 'a suspicious pattern could not be told'),
    );
  }

  private async publish(finding: Finding, nowMs: number): Promise<void> {
    const { directory, log, logger } = this.parts;
    const { tenantId } = finding.subject;
    // Anybody can name a tenant that does not exist.
    if ((await directory.tenant(tenantId)) === undefined) return;
    logger.warn({ pattern: finding.pattern, kind: finding.subject.kind, tenantId }, 'a suspicious pattern');
    await log.append([suspiciousRecord(finding, nowMs)]);
  }
}

function* subjectsOf({ tenantId, botId, source }: Suspect & { tenantId: string }): Generator<Subject> {
  yield { kind: 'source', tenantId, id: source };
  yield { kind: 'tenant', tenantId, id: tenantId };
  if (botId !== undefined) yield { kind: 'bot', tenantId, id: botId };
}

function suspiciousRecord({ pattern, subject, evidence, startedAtMs }: Finding, nowMs: number) {
  const { tenantId, kind, id } = subject;
  const suspicionId = derivedId(tenantId, JSON.stringify([pattern, kind, id]), startedAtMs);
  const { firstAtMs, lastAtMs, count, windowMs } = evidence;
  const data: WebhookSuspicious = {
    suspicionId,
    tenantId,
    pattern,
    suspect: { kind, id },
    evidence: {
      count,
      windowMs: Math.round(windowMs),
      firstAt: new Date(firstAtMs).toISOString(),
      lastAt: new Date(lastAtMs).toISOString(),
      ...('threshold' in evidence ? { threshold: evidence.threshold } : {}),
      ...('skewMs' in evidence ? { skewMs: evidence.skewMs, toleranceMs: evidence.toleranceMs } : {}),
    },
    detectedAt: new Date(nowMs).toISOString(),
  };
  return encodeEvent(
    webhookSuspicious,
    createEvent(webhookSuspicious, {
      id: derivedId(suspicionId, 'suspicious'),
      source: 'ingress',
      subject: suspicionId,
      timeMs: nowMs,
      tenantId,
      data,
    }),
  );
}
