import { codeOfStatus, problemAnswer } from '@tickwire/problem-details';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SchemeName } from '../schemes/scheme.js';

const ACCEPTED = 'tickwire_ingress_accepted_total';
const REFUSED = 'tickwire_ingress_refused_total';
const REPLAYED = 'tickwire_ingress_replayed_total';
const APPEND = 'tickwire_ingress_append_seconds';
const OWN_LIMITS = 'tickwire_ingress_limits_by_replica';
const OWN_CLAIMS = 'tickwire_ingress_claims_by_replica';

/** Counts what the door answers, and logs what it refuses. */
export class IngressMetrics {
  readonly #accepted: Counter<'scheme'>;
  readonly #refused: Counter<'code'>;
  readonly #replayed: Counter;
  readonly #append: Histogram;
  readonly #ownLimits: Gauge;
  readonly #ownClaims: Gauge;
  /** Requests that `refused` has counted. */
  readonly #counted = new WeakSet<FastifyRequest>();

  constructor(
    private readonly registry: Registry,
    private readonly logger: Logger,
  ) {
    const registers = [registry];
    this.#accepted = new Counter({
      name: ACCEPTED,
      help: 'Signals that are in the log and were answered 202',
      labelNames: ['scheme'],
      registers,
    });
    this.#refused = new Counter({
      name: REFUSED,
      help: 'Requests refused, by problem code',
      labelNames: ['code'],
      registers,
    });
    this.#replayed = new Counter({ name: REPLAYED, help: 'Requests answered with an earlier answer', registers });
    this.#append = new Histogram({
      name: APPEND,
      help: 'From handing a record to the log to its acknowledgement',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    });
    this.#ownClaims = new Gauge({
      name: OWN_CLAIMS,
      help: '1 while Redis is away and this replica keeps claims by itself: a repetition may be appended again',
      registers,
    });
    this.#ownLimits = new Gauge({
      name: OWN_LIMITS,
      help: '1 while Redis is away and this replica holds its share of the limits alone',
      registers,
    });
  }

  /** @param active Redis is away and this replica holds its share of the limits alone */
  limitsByReplica(active: boolean): void {
    this.#ownLimits.set(active ? 1 : 0);
  }

  /** @param active Redis is away and this replica keeps claims by itself */
  claimsByReplica(active: boolean): void {
    this.#ownClaims.set(active ? 1 : 0);
  }

  accepted(scheme: SchemeName): void {
    this.#accepted.inc({ scheme });
  }

  replayed(): void {
    this.#replayed.inc();
  }

  /** Counts and logs a refusal by the code that its sender will see. */
  refused(request: FastifyRequest, error: unknown): void {
    this.#counted.add(request);
    this.#count(request, problemAnswer(error, request.id).body.code);
  }

  /** For every answer: counts those that were refused before a handler saw them (too large, not JSON by type, …). */
  answered(request: FastifyRequest, reply: FastifyReply): void {
    if (reply.statusCode >= 400 && !this.#counted.has(request)) this.#count(request, codeOfStatus(reply.statusCode));
  }

  /** @returns to be called at the acknowledgement */
  startAppend(): () => void {
    return this.#append.startTimer();
  }

  /** Leaves the registry as it was, for an app that starts again in the same process. */
  remove(): void {
    for (const name of [ACCEPTED, REFUSED, REPLAYED, APPEND, OWN_LIMITS, OWN_CLAIMS])
      this.registry.removeSingleMetric(name);
  }

  #count(request: FastifyRequest, code: string): void {
    this.#refused.inc({ code });
    this.logger.info({ code, requestId: request.id }, 'refused a request');
  }
}
