import type { EndpointLane, OriginLane } from './lanes.js';

/** Beyond these the ones that have been slow for longest count as quick again, until they prove otherwise. */
const MAX_REMEMBERED = 50_000;

/**
 * Who did not answer in time the last time it was asked. It outlives the lanes, which exist only while they have tasks.
 *
 * An endpoint is slow by its own last task. An origin is slow where a task took too long and nobody else behind it ended
 * in time meanwhile: one endpoint that hangs must not brand those that share its origin.
 */
export class SlowReceivers {
  private readonly origins = new Set<string>();
  /** By origin and endpoint; oldest first, as all sets are. */
  private readonly endpoints = new Set<string>();

  constructor(private readonly slowAfterMs: number) {}

  has(origin: OriginLane, endpoint: EndpointLane): boolean {
    return this.hasOrigin(origin) || (this.endpoints.size > 0 && this.endpoints.has(placeOf(origin, endpoint)));
  }

  hasOrigin(origin: OriginLane): boolean {
    return this.origins.size > 0 && this.origins.has(origin.key);
  }

  /** @returns whether somebody who was slow is so no more */
  judge(origin: OriginLane, endpoint: EndpointLane, beganAtMs: number, endedAtMs: number): boolean {
    if (endedAtMs - beganAtMs <= this.slowAfterMs) {
      origin.promptAtMs = endedAtMs;
      const forgiven = this.origins.delete(origin.key);
      return (this.endpoints.size > 0 && this.endpoints.delete(placeOf(origin, endpoint))) || forgiven;
    }
    if (endpoint.key !== origin.key) remember(this.endpoints, placeOf(origin, endpoint));
    if (origin.promptAtMs < beganAtMs) remember(this.origins, origin.key);
    return false;
  }
}

function placeOf(origin: OriginLane, endpoint: EndpointLane): string {
  return `${origin.key} ${endpoint.key}`;
}

function remember(keys: Set<string>, key: string): void {
  keys.add(key);
  if (keys.size <= MAX_REMEMBERED) return;
  const [oldest] = keys;
  if (oldest !== undefined) keys.delete(oldest);
}
