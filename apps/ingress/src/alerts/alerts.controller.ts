import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { RawBody, type RawBodyRequest } from '@tickwire/runtime';
import type { FastifyReply } from 'fastify';
import { Answers } from '../signals/answers.js';
import { AlertIntake } from './alert-intake.js';

@Controller('api/v1/webhooks/alerts')
export class AlertsController {
  constructor(
    @Inject(AlertIntake) private readonly intake: AlertIntake,
    @Inject(Answers) private readonly answers: Answers,
  ) {}

  /** Takes one alert in, whatever its content type says. */
  @Post(':token')
  @RawBody('any')
  async receive(
    @Param('token') token: string,
    @Req() request: RawBodyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { headers, rawBody: body, ip: source } = request;
    await this.answers.give(request, reply, () => this.intake.take(token, { headers, body, source }));
  }
}
