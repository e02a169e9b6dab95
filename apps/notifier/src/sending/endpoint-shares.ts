/** Deliveries that a process holds of an endpoint that answers slowly and not well: enough to notice when it is back. */
const TROUBLED_SHARE = 2;

/**
 * How many deliveries this process holds, in all and per endpoint, waiting or in flight. What an endpoint may not hold
 * stays in the database, so a slow endpoint fills its own share and nobody else's memory or turn.
 */
export class EndpointShares {
  private readonly held = new Map<string, number>();
  private readonly troubled = new Set<string>();
  private total = 0;

  constructor(
    readonly perEndpoint: number,
    private readonly most: number,
  ) {}

  get room(): number {
    return this.most - this.total;
  }

  roomOf(endpointId: string): number {
    return Math.min(this.room, this.shareOf(endpointId) - (this.held.get(endpointId) ?? 0));
  }

  take(endpointId: string): void {
    this.held.set(endpointId, (this.held.get(endpointId) ?? 0) + 1);
    this.total += 1;
  }

  free(endpointId: string): void {
    const left = (this.held.get(endpointId) ?? 0) - 1;
    if (left > 0) this.held.set(endpointId, left);
    else this.held.delete(endpointId);
    this.total -= 1;
  }

  /** An endpoint that costs time without taking anything gets a small share until it takes something. */
  setTroubled(endpointId: string, troubled: boolean): void {
    if (troubled) this.troubled.add(endpointId);
    else this.troubled.delete(endpointId);
  }

  /** What is left to each endpoint that has less than a full share. */
  limited(): Map<string, number> {
    const limited = new Map<string, number>();
    for (const endpointId of this.troubled) limited.set(endpointId, this.leftOf(endpointId));
    for (const endpointId of this.held.keys()) limited.set(endpointId, this.leftOf(endpointId));
    return limited;
  }

  private leftOf(endpointId: string): number {
    return Math.max(0, this.shareOf(endpointId) - (this.held.get(endpointId) ?? 0));
  }

  private shareOf(endpointId: string): number {
    return this.troubled.has(endpointId) ? Math.min(TROUBLED_SHARE, this.perEndpoint) : this.perEndpoint;
  }
}
