/**
 * The peer: Nest on Fastify as their documentation has it, with one route that verifies the HMAC over the raw body and
 * answers 202 with as many bytes as ours. It keeps nothing and tells nobody.
 */
import 'reflect-metadata';
import {
  Controller,
  Get,
  Header,
  HttpCode,
  Inject,
  Module,
  Post,
  Req,
  UnauthorizedException,
  type RawBodyRequest,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { parseWebhookSecret, verifyStandardWebhook } from '@tickwire/signing';
import type { FastifyRequest } from 'fastify';

/** What the bench tells it by its environment. */
export interface BareDoorEnvironment extends Record<string, string> {
  PORT: string;
  /** `whsec_…` */
  SIGNING_SECRET: string;
  /** An answer of ours, as JSON. */
  ANSWER: string;
}

const TOLERANCE_MS = 300_000;
const { PORT, SIGNING_SECRET, ANSWER } = process.env as BareDoorEnvironment;
const ANSWERED = JSON.parse(ANSWER) as { statusUrl: string };
const KEYS = 'KEYS';

@Controller()
class BareController {
  constructor(@Inject(KEYS) private readonly keys: readonly Buffer[]) {}

  @Post('api/v1/webhooks/signals')
  @HttpCode(202)
  @Header('location', ANSWERED.statusUrl)
  receive(@Req() { headers, rawBody }: RawBodyRequest<FastifyRequest>): object {
    const verdict = verifyStandardWebhook({
      id: headers['webhook-id'] as string,
      timestamp: headers['webhook-timestamp'] as string,
      signature: headers['webhook-signature'] as string,
      body: rawBody!,
      keys: this.keys,
      nowMs: Date.now(),
      toleranceMs: TOLERANCE_MS,
    });
    if (!verdict.ok) throw new UnauthorizedException();
    return { ...ANSWERED };
  }

  @Get('readyz')
  ready(): object {
    return {};
  }
}

@Module({
  controllers: [BareController],
  providers: [{ provide: KEYS, useValue: [parseWebhookSecret(SIGNING_SECRET)] }],
})
class BareModule {}

const app = await NestFactory.create<NestFastifyApplication>(BareModule, new FastifyAdapter(), {
  rawBody: true,
  logger: ['error', 'warn'],
});
await app.listen(Number(PORT), '127.0.0.1');
process.once('SIGTERM', () => process.exit(0));
