import type { CallbackClient } from '@tickwire/delivery';
import type { Logger } from 'pino';
import type { AttemptResult, CallbackTarget, Delivery } from '../deliveries/delivery.js';
import type { CallbackSigner } from './callback-signer.js';
import { excerptOf, judgeOutcome } from './judge-outcome.js';
import { retryPauseMs } from './retry-schedule.js';

export interface CallerSettings {
  timeoutMs: number;
  /** Pause before each attempt, ms; the first is 0. */
  schedule: readonly number[];
  /** Unix ms. */
  now: () => number;
  /** 0 (inclusive) to 1. */
  random: () => number;
}

type Facts = Pick<AttemptResult, 'atMs' | 'durationMs' | 'statusCode' | 'excerpt' | 'error'>;

/** Makes one attempt of a delivery and says what became of it. */
export class CallbackCaller {
  constructor(
    private readonly client: CallbackClient,
    private readonly signer: CallbackSigner,
    private readonly settings: CallerSettings,
    private readonly logger: Logger,
  ) {}

  /** @returns undefined when we gave up ourselves: nothing is to be recorded. Never rejects. */
  async attempt(delivery: Delivery): Promise<AttemptResult | undefined> {
    const atMs = this.settings.now();
    const { target } = delivery;
    if (!target) return exhausted(delivery, { atMs, durationMs: 0, error: 'the endpoint is deleted or not active' });
    let headers: Record<string, string>;
    try {
      headers = this.signer.headers(delivery, target, Math.floor(atMs / 1_000));
    } catch (error) {
      // Ours to mend (a sealing key is missing, a row is damaged), so the delivery keeps its schedule.
      this.logger.error({ err: error, endpointId: delivery.endpointId }, 'a callback cannot be signed');
      return this.failed(delivery, { atMs, durationMs: 0, error: 'the callback could not be signed' });
    }
    return this.post(delivery, target, headers, atMs);
  }

  private async post(
    delivery: Delivery,
    { url }: CallbackTarget,
    headers: Record<string, string>,
    atMs: number,
  ): Promise<AttemptResult | undefined> {
    const { timeoutMs, now } = this.settings;
    const outcome = await this.client.post({ url, headers, body: delivery.body, timeoutMs });
    const judgement = judgeOutcome(outcome, now());
    const facts: Facts = {
      atMs,
      durationMs: outcome.durationMs,
      statusCode: outcome.status,
      excerpt: outcome.kind === 'response' ? excerptOf(outcome.body) : undefined,
    };
    switch (judgement.kind) {
      case 'unsent':
        return undefined;
      case 'delivered':
        return { ...facts, delivery, attempt: delivery.attempts + 1, status: 'delivered' };
      case 'refused':
        return exhausted(delivery, { ...facts, error: judgement.error });
      case 'failed':
        return this.failed(delivery, { ...facts, error: judgement.error }, judgement.retryAfterMs);
    }
  }

  private failed(delivery: Delivery, facts: Facts, retryAfterMs?: number): AttemptResult {
    const attempt = delivery.attempts + 1;
    const retryInMs = retryPauseMs(this.settings.schedule, attempt, retryAfterMs, this.settings.random());
    return retryInMs === undefined
      ? exhausted(delivery, facts)
      : { ...facts, delivery, attempt, status: 'pending', retryInMs };
  }
}

function exhausted(delivery: Delivery, facts: Facts): AttemptResult {
  return { ...facts, delivery, attempt: delivery.attempts + 1, status: 'exhausted' };
}
