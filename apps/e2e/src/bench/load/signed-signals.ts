import { parseWebhookSecret, signStandardWebhook } from '@tickwire/signing';

/** Whose signals are sent, and on what. */
export interface Senders {
  tenantId: string;
  accountIds: readonly string[];
  symbol: string;
  /** `whsec_…`, of the tenant. */
  signingSecret: string;
}

/** A request that waits to be sent. */
export interface SignedSignal {
  body: string;
  headers: Record<string, string>;
}

/** The id of one signal of a run: the run's name and its index, read back by {@link indexOfSignal}. */
export function signalIdOf(run: string, index: number): string {
  return `${run}:${index}`;
}

/** @returns the index of a signal of this run; undefined for any other signal */
export function indexOfSignal(run: string, signalId: string): number | undefined {
  return signalId.startsWith(`${run}:`) ? Number(signalId.slice(run.length + 1)) : undefined;
}

/**
 * Market orders over all accounts in turn, signed ahead of time, so that signing costs the measured seconds nothing.
 * Each account buys one and sells one, so no position grows into a limit.
 *
 * @param nowMs when they are signed; the door accepts them for 300 s
 */
export function signSignals(senders: Senders, run: string, count: number, nowMs: number): SignedSignal[] {
  const { tenantId, accountIds, symbol } = senders;
  const keys = [parseWebhookSecret(senders.signingSecret)];
  const timestampS = Math.floor(nowMs / 1_000);
  return Array.from({ length: count }, (_, index) => {
    const id = signalIdOf(run, index);
    const turn = Math.floor(index / accountIds.length);
    const body = JSON.stringify({
      tenantId,
      accountId: accountIds[index % accountIds.length],
      symbol,
      action: turn % 2 === 0 ? 'buy' : 'sell',
      quantity: 1,
      signalId: id,
      strategyName: 'bench',
    });
    return {
      body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(timestampS),
        'webhook-signature': signStandardWebhook({ id, timestampS, body, keys }),
      },
    };
  });
}
