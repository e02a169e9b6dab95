import { channel } from 'node:diagnostics_channel';
import { setTimeout as pause } from 'node:timers/promises';
import { OriginLimiter, type CallbackClient } from '@tickwire/delivery';
import type { Logger } from 'pino';
import type { AttemptResult, Delivery } from '../deliveries/delivery.js';
import type { DeliveryStore } from '../deliveries/delivery-store.js';
import type { CallbackCaller } from './callback-caller.js';
import { EndpointShares } from './endpoint-shares.js';
import { HeldDeliveries } from './held-deliveries.js';
import { Settlement } from './settlement.js';

/** Says which step of a transaction path has been reached; fault tests listen and end the process there. */
const steps = channel('tickwire.steps');

export interface SenderSettings {
  maxInFlight: number;
  /** Scheme, host and port; endpoints share it in turn. */
  maxInFlightPerOrigin: number;
  maxInFlightPerEndpoint: number;
  timeoutMs: number;
  /** How long attempts in flight may take to end at `stop`. */
  stopGraceMs: number;
}

export interface SenderParts {
  store: DeliveryStore;
  client: CallbackClient;
  caller: CallbackCaller;
  logger: Logger;
  /** Told of every recorded attempt, for metrics. */
  onSettled: (result: AttemptResult) => void;
}

const CLAIM_BATCH = 200;
/** The net under wake-ups: finds what other processes left, and retries of hours ago. */
const POLL_MS = 500;
/** A timer may fire, and the database's clock round, a little early. */
const WAKE_MARGIN_MS = 5;
/** Deliveries held for each that may be in flight: what is sent next is at hand while results are being written. */
const HELD_PER_FLIGHT = 4;
/** A failed attempt that took longer has cost the others a slot for nothing. */
const TROUBLE_AFTER_MS = 1_000;

/**
 * Sends deliveries that this process has claimed: those that intake hands over right after storing them, and those that it
 * claims itself (retries, backlogs, claims of processes that died).
 *
 * Order: an endpoint's first attempts begin in the order of the events, as many at a time as may be in flight to one
 * endpoint. A failed attempt does not hold up what comes after it, and two replicas do not wait for each other, so a receiver
 * that needs strict order goes by the envelope's `time` and the signal's own sequence.
 */
export class CallbackSender {
  private readonly limiter: OriginLimiter;
  private readonly shares: EndpointShares;
  private readonly held: HeldDeliveries;
  private readonly settlement: Settlement;
  /** Endpoints that may have due deliveries in the database, and when that was noticed: their new events have to queue there. */
  private readonly backlogged = new Map<string, number>();
  private readonly tasks = new Set<Promise<void>>();
  private readonly unsent: Delivery[] = [];
  /** Until everything due at the start has been seen, any endpoint may have a backlog. */
  private caughtUp = false;
  /** A claim was put off because this process holds all it can. */
  private crowded = false;
  private stopping = false;
  private turn = 0;
  private claiming: Promise<void> | undefined;
  private claimAgain = false;
  private wakeTimer: NodeJS.Timeout | undefined;
  private wakeAtMs = Infinity;
  private renewTimer: NodeJS.Timeout | undefined;
  private renewing: Promise<void> = Promise.resolve();

  constructor(
    private readonly settings: SenderSettings,
    private readonly parts: SenderParts,
  ) {
    const { maxInFlight, maxInFlightPerOrigin: maxPerOrigin, maxInFlightPerEndpoint: maxPerEndpoint } = settings;
    const mostHeld = maxInFlight * HELD_PER_FLIGHT * 4; // so that hundreds of full shares leave room for others
    this.limiter = new OriginLimiter({ maxInFlight, maxPerOrigin, maxPerEndpoint, maxWaitingPerOrigin: mostHeld });
    this.shares = new EndpointShares(maxPerEndpoint * HELD_PER_FLIGHT, mostHeld);
    this.held = new HeldDeliveries(parts.store.leaseMs);
    this.settlement = new Settlement((results) => parts.store.settle(results), this.onWritten, parts.logger);
  }

  start(): void {
    this.renewTimer = setInterval(() => (this.renewing = this.renew()), this.parts.store.leaseMs / 6);
    this.wake();
  }

  /** Deliveries in flight and waiting for their turn, in this process. */
  stats(): { inFlight: number; held: number } {
    return { inFlight: this.limiter.stats().inFlight, held: this.held.size };
  }

  /**
   * Asks for a place for a new delivery, which is then stored as claimed and comes with `send` (or `giveUp`).
   * @returns false when older ones of the endpoint come first or it has its share: then it is stored unclaimed
   */
  reserve(endpointId: string): boolean {
    if (!this.caughtUp || this.stopping || this.backlogged.has(endpointId) || this.shares.roomOf(endpointId) <= 0)
      return false;
    this.shares.take(endpointId);
    return true;
  }

  /** The delivery with a reserved place turned out not to be new, or could not be stored. */
  giveUp(endpointId: string): void {
    this.shares.free(endpointId);
  }

  /**
   * Sends a delivery that has a reserved place and was stored as claimed.
   * @param claimedAtMs of `performance.now()`, before it was stored
   */
  send(delivery: Delivery, claimedAtMs: number): void {
    this.held.add(delivery, claimedAtMs);
    const task = this.limiter
      .run(originOf(delivery), () => this.attempt(delivery), { endpointKey: delivery.endpointId })
      .catch((error: unknown) => {
        this.parts.logger.error(
          { err: error, endpointId: delivery.endpointId },
          'an attempt failed by a fault of ours',
        );
        this.letGo(delivery);
      });
    this.tasks.add(task);
    void task.then(() => this.tasks.delete(task));
  }

  /** New deliveries of these endpoints were stored unclaimed. */
  leftWaiting(endpointIds: Iterable<string>): void {
    let some = false;
    for (const endpointId of endpointIds) {
      this.backlogged.set(endpointId, this.turn);
      some = true;
    }
    if (some) this.wake();
  }

  /** Takes nothing more, lets attempts in flight end within the grace, records them, gives back what was not sent. */
  async stop(): Promise<void> {
    if (this.stopping) return;
    this.stopping = true;
    clearTimeout(this.wakeTimer);
    clearInterval(this.renewTimer);
    await this.claiming;
    const quiet = Promise.allSettled([...this.tasks]);
    const grace = new AbortController();
    await Promise.race([
      quiet,
      pause(this.settings.stopGraceMs, undefined, { signal: grace.signal }).catch(() => undefined),
    ]);
    grace.abort();
    await this.parts.client.destroy();
    await quiet;
    await this.settlement.close();
    await this.renewing;
    if (this.unsent.length === 0) return;
    await this.parts.store.release(this.unsent).catch((error: unknown) => {
      this.parts.logger.warn(
        { err: error, deliveries: this.unsent.length },
        'claims could not be given back; they run out',
      );
    });
  }

  private async attempt(delivery: Delivery): Promise<void> {
    if (this.stopping) return this.letGo(delivery);
    // A claim that could end during the attempt belongs to somebody else by then: it comes back when it is due.
    if (!this.held.lasts(delivery, performance.now(), this.settings.timeoutMs)) return this.letGo(delivery);
    const result = await this.parts.caller.attempt(delivery);
    if (!result) return this.letGo(delivery);
    steps.publish('notifier.sent');
    if (delivery.target) {
      this.shares.setTroubled(
        delivery.endpointId,
        result.status !== 'delivered' && result.durationMs > TROUBLE_AFTER_MS,
      );
    }
    this.settlement.add(result);
  }

  /** Without a result. */
  private letGo(delivery: Delivery): void {
    if (this.stopping) this.unsent.push(delivery);
    this.forget(delivery);
  }

  private forget(delivery: Delivery): void {
    this.held.delete(delivery);
    this.shares.free(delivery.endpointId);
  }

  private readonly onWritten = (results: readonly AttemptResult[]): void => {
    if (this.crowded) this.wakeIn(0);
    for (const result of results) {
      const { delivery, status, attempt, error, retryInMs } = result;
      const { endpointId, eventId } = delivery;
      this.forget(delivery);
      if (!delivery.target) this.shares.setTroubled(endpointId, false); // nobody to be remembered any more
      this.parts.onSettled(result);
      if (status === 'exhausted')
        this.parts.logger.warn({ endpointId, eventId, attempts: attempt, error }, 'a callback was given up');
      if (retryInMs !== undefined && retryInMs < POLL_MS) this.wakeIn(retryInMs + WAKE_MARGIN_MS);
      if (this.backlogged.has(endpointId) && this.isWorthAClaim(endpointId)) this.wakeIn(0);
    }
  };

  private wake(): void {
    if (this.stopping) return;
    this.claimAgain = true;
    this.claiming ??= this.claimDue().finally(() => {
      this.claiming = undefined;
      if (this.claimAgain)
        this.wake(); // asked for between the last look and now
      else this.wakeIn(POLL_MS);
    });
  }

  /** The earliest of the times asked for counts. */
  private wakeIn(ms: number): void {
    const atMs = performance.now() + ms;
    if (this.stopping || atMs >= this.wakeAtMs) return;
    clearTimeout(this.wakeTimer);
    this.wakeAtMs = atMs;
    this.wakeTimer = setTimeout(() => {
      this.wakeAtMs = Infinity;
      this.wake();
    }, ms);
  }

  /** Claims until nothing is due that there is room for. */
  private async claimDue(): Promise<void> {
    try {
      while (this.claimAgain && !this.stopping) {
        this.claimAgain = false;
        this.crowded = this.shares.room <= 0;
        if (this.crowded) return;
        if (await this.claimOnce()) this.claimAgain = true;
      }
    } catch (error) {
      this.claimAgain = false; // not before the next poll
      this.parts.logger.warn({ err: error }, 'due callbacks could not be claimed; trying again');
    }
  }

  /** @returns whether there may be more to claim right now */
  private async claimOnce(): Promise<boolean> {
    const began = ++this.turn;
    const limited = this.shares.limited();
    const claimedAtMs = performance.now();
    const { deliveries, sawAll } = await this.parts.store.claim({
      most: Math.min(CLAIM_BATCH, this.shares.room),
      mostPerEndpoint: this.shares.perEndpoint,
      limited,
    });
    for (const delivery of deliveries) {
      this.shares.take(delivery.endpointId);
      this.send(delivery, claimedAtMs);
    }
    const cutShort = this.cutShort(deliveries, limited);
    this.noteBacklogs(cutShort, limited, sawAll, began);
    return deliveries.length > 0 && (!sawAll || cutShort.some((endpointId) => this.isWorthAClaim(endpointId)));
  }

  /** Endpoints that got all they had room for: they may have more. */
  private cutShort(deliveries: readonly Delivery[], limited: ReadonlyMap<string, number>): string[] {
    const taken = new Map<string, number>();
    for (const { endpointId } of deliveries) taken.set(endpointId, (taken.get(endpointId) ?? 0) + 1);
    return [...taken].filter(([id, count]) => count >= (limited.get(id) ?? this.shares.perEndpoint)).map(([id]) => id);
  }

  private noteBacklogs(
    cutShort: readonly string[],
    limited: ReadonlyMap<string, number>,
    sawAll: boolean,
    began: number,
  ): void {
    for (const endpointId of cutShort) this.backlogged.set(endpointId, began);
    if (!sawAll) return;
    this.caughtUp = true;
    for (const [endpointId, notedIn] of this.backlogged) {
      // What was noted since the claim began, and what it left out, it has not seen.
      if (notedIn < began && limited.get(endpointId) !== 0) this.backlogged.delete(endpointId);
    }
  }

  /** Half of its share is free: a claim for every single place would be a statement per delivery. */
  private isWorthAClaim(endpointId: string): boolean {
    return this.shares.roomOf(endpointId) * 2 >= this.shares.perEndpoint;
  }

  private async renew(): Promise<void> {
    const renewedAtMs = performance.now();
    const aging = this.held.aging(renewedAtMs);
    if (aging.length === 0) return;
    try {
      this.held.renewed(aging, await this.parts.store.renew(aging), renewedAtMs);
    } catch (error) {
      this.parts.logger.warn({ err: error, deliveries: aging.length }, 'claims could not be renewed');
    }
  }
}

function originOf({ endpointId, target }: Delivery): string {
  const origin = target && URL.parse(target.url)?.origin;
  return origin ?? endpointId; // a URL that is none fails in its attempt
}
