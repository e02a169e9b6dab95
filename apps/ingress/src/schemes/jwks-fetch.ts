import type { FetchJwks } from '@tickwire/credentials';
import type { CallbackClient } from '@tickwire/delivery';

const OK = 200;
const MAX_AGE = /(?:^|[,\s])max-age=(\d{1,9})(?:$|[,\s])/i;

/** Fetches key sets through the guard that callbacks go through: a tenant chooses the address. */
export function jwksFetch(client: CallbackClient): FetchJwks {
  return async (url, signal) => {
    const outcome = await client.get({
      url,
      signal,
      headers: { accept: 'application/jwk-set+json, application/json' },
    });
    if (outcome.kind === 'failed') throw new Error(`${outcome.reason}: ${outcome.detail}`);
    if (outcome.status !== OK) throw new Error(`answered ${outcome.status}`);
    const seconds = MAX_AGE.exec(outcome.headers['cache-control'] ?? '')?.[1];
    return { body: outcome.body, ...(seconds === undefined ? {} : { maxAgeMs: Number(seconds) * 1_000 }) };
  };
}
