import type { AgentEntry } from '@tickwire/directory';
import type { LaneTick } from '../callbacks/tick-callback.js';

/** By the agent as configured: the directory makes a new entry of each change. */
const origins = new WeakMap<AgentEntry, string>();

/** Whom the callback's request shares its part with; undefined for an agent that gets none. */
export function originOf({ agent }: LaneTick): string | undefined {
  const { status, callbackUrl } = agent;
  if (status !== 'active' || !callbackUrl) return undefined;
  let origin = origins.get(agent);
  if (origin === undefined) {
    // What is no URL is refused by the client, with its reason.
    origin = URL.canParse(callbackUrl) ? new URL(callbackUrl).origin : callbackUrl;
    origins.set(agent, origin);
  }
  return origin;
}

/** Its ticks are skipped, each with a record, until it is active again; whoever has no callback has nothing to pause. */
export function isPaused({ agent: { status, callbackUrl } }: LaneTick): boolean {
  return status === 'paused' && !!callbackUrl;
}
