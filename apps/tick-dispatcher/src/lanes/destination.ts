import type { LaneTick } from '../callbacks/tick-callback.js';

/** Whom the callback's request shares its part with; undefined for an agent that gets none. */
export function originOf({ agent: { status, callbackUrl } }: LaneTick): string | undefined {
  if (status !== 'active' || !callbackUrl) return undefined;
  // What is no URL is refused by the client, with its reason.
  return URL.canParse(callbackUrl) ? new URL(callbackUrl).origin : callbackUrl;
}

/** Its ticks are skipped, each with a record, until it is active again; whoever has no callback has nothing to pause. */
export function isPaused({ agent: { status, callbackUrl } }: LaneTick): boolean {
  return status === 'paused' && !!callbackUrl;
}
