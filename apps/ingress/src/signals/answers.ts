import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IngressMetrics } from '../metrics/ingress-metrics.js';
import type { TakenIn } from './signal-intake.js';

/** Turns what became of a request into its answer, and counts it. */
export class Answers {
  constructor(private readonly metrics: IngressMetrics) {}

  /** @throws what `take` throws: the app's filter answers it */
  async give(request: FastifyRequest, reply: FastifyReply, take: () => Promise<TakenIn>): Promise<void> {
    try {
      const { answer, scheme, replayed, limits } = await take();
      if (replayed) {
        this.metrics.replayed();
        void reply.header('idempotency-replayed', 'true');
      } else {
        this.metrics.accepted(scheme);
      }
      // The text as it is: a replay has the bytes of the first answer.
      void reply
        .code(answer.status)
        .headers({ ...limits, ...answer.headers })
        .send(answer.body);
    } catch (error) {
      this.metrics.refused(request, error);
      throw error;
    }
  }
}
