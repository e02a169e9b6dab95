import { deliveryKey, type Delivery } from '../deliveries/delivery.js';

interface Holding {
  delivery: Delivery;
  /** Monotonic ms. Reckoned from before the claim was made, so never later than the database's. */
  leaseEndsAtMs: number;
}

/** The deliveries that this process has claimed, and until when nobody else may send them. */
export class HeldDeliveries {
  private readonly holdings = new Map<string, Holding>();

  constructor(private readonly leaseMs: number) {}

  get size(): number {
    return this.holdings.size;
  }

  /** @param claimedAtMs monotonic ms, taken before the claiming statement was sent */
  add(delivery: Delivery, claimedAtMs: number): void {
    this.holdings.set(deliveryKey(delivery), { delivery, leaseEndsAtMs: claimedAtMs + this.leaseMs });
  }

  delete(delivery: Delivery): void {
    this.holdings.delete(deliveryKey(delivery));
  }

  /** Whether an attempt of `durationMs` would end within the lease. */
  lasts(delivery: Delivery, nowMs: number, durationMs: number): boolean {
    return (this.holdings.get(deliveryKey(delivery))?.leaseEndsAtMs ?? 0) >= nowMs + durationMs;
  }

  /** Those whose lease has less than five sixths left. Asked every sixth of it, no lease sinks below two thirds. */
  aging(nowMs: number): Delivery[] {
    const limit = nowMs + (this.leaseMs * 5) / 6;
    return [...this.holdings.values()]
      .filter(({ leaseEndsAtMs }) => leaseEndsAtMs < limit)
      .map(({ delivery }) => delivery);
  }

  /** @param ours keys whose claim was extended; of `deliveries`, the others belong to somebody else now */
  renewed(deliveries: readonly Delivery[], ours: ReadonlySet<string>, renewedAtMs: number): void {
    for (const delivery of deliveries) {
      const key = deliveryKey(delivery);
      const holding = this.holdings.get(key);
      if (holding) holding.leaseEndsAtMs = ours.has(key) ? renewedAtMs + this.leaseMs : 0;
    }
  }
}
