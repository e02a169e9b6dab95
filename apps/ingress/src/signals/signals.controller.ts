import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { RawBody, type RawBodyRequest } from '@tickwire/runtime';
import type { FastifyReply } from 'fastify';
import { IngressMetrics } from '../metrics/ingress-metrics.js';
import { SignalIntake } from './signal-intake.js';

@Controller('api/v1/webhooks/signals')
export class SignalsController {
  constructor(
    @Inject(SignalIntake) private readonly intake: SignalIntake,
    @Inject(IngressMetrics) private readonly metrics: IngressMetrics,
  ) {}

  /** Takes one signal in; 202 once the log has it. */
  @Post()
  @RawBody()
  async receive(@Req() request: RawBodyRequest, @Res() reply: FastifyReply): Promise<void> {
    try {
      const { answer, scheme, replayed } = await this.intake.take({ headers: request.headers, body: request.rawBody });
      if (replayed) {
        this.metrics.replayed();
        void reply.header('idempotency-replayed', 'true');
      } else {
        this.metrics.accepted(scheme);
      }
      // The text as it is: a replay has the bytes of the first answer.
      void reply.code(answer.status).headers(answer.headers).send(answer.body);
    } catch (error) {
      this.metrics.refused(request, error);
      throw error;
    }
  }
}
