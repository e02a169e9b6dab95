import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { RawBody, type RawBodyRequest } from '@tickwire/runtime';
import type { FastifyReply } from 'fastify';
import { Answers } from './answers.js';
import { BatchIntake } from './batch-intake.js';
import { SignalIntake } from './signal-intake.js';

@Controller('api/v1/webhooks/signals')
export class SignalsController {
  constructor(
    @Inject(SignalIntake) private readonly intake: SignalIntake,
    @Inject(BatchIntake) private readonly batches: BatchIntake,
    @Inject(Answers) private readonly answers: Answers,
  ) {}

  /** Takes one signal in; 202 once the log has it. */
  @Post()
  @RawBody()
  async receive(@Req() request: RawBodyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { headers, rawBody: body, ip: source } = request;
    await this.answers.give(request, reply, () => this.intake.take({ headers, body, source }));
  }

  /** Takes up to 100 signals in, each by itself; 202 with what became of each. */
  @Post('batch')
  @RawBody()
  async receiveBatch(@Req() request: RawBodyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { headers, rawBody: body, ip: source } = request;
    await this.answers.give(request, reply, () => this.batches.take({ headers, body, source }, request.id));
  }
}
