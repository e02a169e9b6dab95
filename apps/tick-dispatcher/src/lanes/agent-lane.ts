import {
  Cancellation,
  classifyAttempt,
  TICK_ATTEMPTS,
  tickRetryPauseMs,
  type AttemptOutcome,
  type AttemptVerdict,
} from '@tickwire/delivery';
import { channel } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAnswer } from '../callbacks/read-answer.js';
import { composeCallback, type LaneTick, type TickCallback } from '../callbacks/tick-callback.js';
import { CarriedItems, itemsOf } from '../carried/carried-items.js';
import type { AgentCommand } from '../controls/agent-command.js';
import { TestTicks } from '../controls/test-ticks.js';
import type { DeliveryEnd } from '../deliveries/delivery-log.js';
import type { DispatchState } from '../settlement/dispatch-states.js';
import type { Settleable, Unstored } from '../settlement/settlements.js';
import { isPaused, originOf } from './destination.js';
import { LaneBreaker } from './lane-breaker.js';
import type { LaneServices } from './lane-services.js';
import { TakenTicks } from './taken-ticks.js';

/** Says which step of a transaction path has been reached; fault tests listen and end the process there. */
const steps = channel('tickwire.steps');

/** A callback that has made its first attempt. */
interface Begun {
  readonly tick: LaneTick;
  readonly callback: TickCallback;
  readonly outcome: AttemptOutcome;
}

/** For a fault of ours there is nothing to be sent. */
interface Unsendable {
  readonly tick: LaneTick;
  readonly callback?: undefined;
}

/** How a callback ended, to be recorded. */
interface Told {
  readonly tick: LaneTick;
  readonly end: DeliveryEnd;
  readonly taken?: Pick<TickCallback, 'brought' | 'left'>;
}

/** What is told of a callback that could not be made. */
const UNSENDABLE = 'the callback could not be composed or signed';

/**
 * One agent's callbacks, in order: one in flight, at most one waiting. A newer tick supersedes the waiting one and ends
 * the retries of one that has failed an attempt. What no 2xx takes is carried into the next callback. A test tick that was
 * asked for goes between two others.
 *
 * An end is on the log before it counts, and is stored after it counts, so that a crash repeats a callback and never loses one.
 */
export class AgentLane implements Settleable {
  private waiting: LaneTick | undefined;
  /** The newest tick of a backlog; waits until no newer one can be in it. */
  private heldBack: LaneTick | undefined;
  /** Does not wait any more and has no end yet. What has one is let go of: a tick that was kept until the next would grow old in memory. */
  private current: LaneTick | undefined;
  /** Superseded while an older one is in flight: told after it, so that an agent's deliveries are on the log in the order of its ticks. */
  private superseded: LaneTick[] = [];
  /** The loop over waiting ticks, while there is one. */
  private running: Promise<void> | undefined;
  /** Ends a pause between attempts. */
  private retrying: AbortController | undefined;
  /** Ends what is on its way to the receiver. */
  private readonly stopping = new Cancellation();
  /** Ends what is on its way to the log: the agent is another dispatcher's. */
  private readonly releasing = new AbortController();
  /** Of superseded ticks, on their way to the log; the loop waits for all other ends itself. */
  private readonly recording = new Set<Promise<void>>();
  private drained = false;
  private readonly taken: TakenTicks;
  private readonly carried: CarriedItems;
  private readonly breaker: LaneBreaker;
  /** Of breaker resets: told when these are stored. */
  private unstoredResets: (() => void)[] = [];
  /** From the first that is asked for. */
  private tests: TestTicks | undefined;
  /** Of the carried items that this lane has stored itself. */
  private storedRevision: number | undefined;
  /** For the row. */
  private place: Pick<LaneTick, 'worldId' | 'shard'> | undefined;

  /** @param alive whether this process may still act for the agent's partition */
  constructor(
    private readonly agentId: string,
    state: DispatchState | undefined,
    private readonly services: LaneServices,
    private readonly alive: () => boolean,
  ) {
    this.taken = new TakenTicks(state?.settledTick ?? -1);
    this.carried = state?.carried ?? new CarriedItems();
    this.breaker = new LaneBreaker(state ?? { breaker: services.freshBreaker, resets: [] });
  }

  /**
   * Takes a tick and returns at once.
   * @param settled called once the tick, however it ends, is stored; never if the lane is stopped before
   * @param backlog more ticks may follow that another process has sent already: this one waits for `caughtUp`, since the
   *   receiver must not get it after them
   */
  offer(tick: LaneTick, settled: () => void, backlog = false): void {
    if (this.drained || this.stopping.cancelled) return;
    if (!this.taken.take(tick.tick, settled)) return; // settled in an earlier life, or in twice: the log may repeat a record
    this.place ??= { worldId: tick.worldId, shard: tick.shard };
    const older = this.waiting ?? this.heldBack;
    this.waiting = backlog ? undefined : tick;
    this.heldBack = backlog ? tick : undefined;
    if (older) this.supersede(older);
    this.retrying?.abort();
    this.wake();
  }

  /** The backlog is taken: what is newest of it may go out. */
  caughtUp(): void {
    if (!this.heldBack || this.drained || this.stopping.cancelled) return;
    this.waiting = this.heldBack;
    this.heldBack = undefined;
    this.wake();
  }

  /**
   * Takes a command and returns at once.
   * @param done called once nothing is left of it to do or to store; never if the lane is stopped before
   */
  command(command: AgentCommand, done: () => void): void {
    if (this.drained || this.stopping.cancelled) return;
    if (command.command === 'reset-breaker') {
      this.reset(command, done);
    } else {
      this.tests ??= new TestTicks(this.services, () => this.wake());
      this.tests.ask(command, this.waiting ?? this.heldBack ?? this.current, done);
    }
  }

  /** Begins nothing more; resolves when the callback in flight has ended. What has not ended is left for the next owner. */
  async drain(): Promise<void> {
    this.drained = true;
    this.retrying?.abort();
    await this.quiet();
  }

  /** Ends the request in flight as if it had never begun; resolves when what was answered before is on the log. */
  async stop(): Promise<void> {
    this.stopping.cancel();
    this.retrying?.abort();
    await this.quiet();
  }

  /** From now on nothing is recorded or stored: the agent is another dispatcher's. */
  release(): void {
    this.stopping.cancel();
    this.releasing.abort();
    this.retrying?.abort();
  }

  toStore(): Unstored | undefined {
    if (this.releasing.signal.aborted || !this.place) return undefined;
    const breakerOnly = this.taken.ended <= this.taken.stored;
    const resets = this.unstoredResets.length;
    if (breakerOnly && resets === 0) return undefined;
    const { worldId, shard } = this.place;
    const { revision } = this.carried;
    const settledTick = this.taken.ended;
    const carriedJson = this.storedRevision === revision ? undefined : this.carried.toJson();
    const breaker = this.breaker.toStore;
    const onlyMovesOn = !breakerOnly && carriedJson === undefined && this.breaker.isStored;
    return {
      row: {
        agentId: this.agentId,
        worldId,
        shard,
        settledTick,
        carriedJson,
        ...(onlyMovesOn ? undefined : breaker),
        breakerOnly,
      },
      stored: () => {
        if (this.releasing.signal.aborted) return;
        this.breaker.storedAs(breaker);
        if (!breakerOnly) {
          this.storedRevision = revision;
          this.taken.storedUpTo(settledTick);
        }
        for (const done of this.unstoredResets.splice(0, resets)) done();
      },
    };
  }

  /** A reset in the middle of a callback: what the callback then says of the receiver counts from anew. */
  private reset({ worldId, shard, controlId, requestedAtMs, reason }: AgentCommand, done: () => void): void {
    const { services, agentId } = this;
    const verdict = this.breaker.reset({ controlId, atMs: requestedAtMs }, services.now());
    services.metrics.commanded('reset-breaker', verdict);
    services.logger.info({ agentId, controlId, reason, verdict }, 'a breaker was asked to be reset');
    // One that comes again waits with the first for it to be stored.
    if (verdict !== 'granted' && this.unstoredResets.length === 0) {
      done();
      return;
    }
    this.place ??= { worldId, shard };
    this.unstoredResets.push(done);
    services.settlements.add(this);
  }

  private async quiet(): Promise<void> {
    await this.running;
    // What cannot be recorded is told where it fails.
    await Promise.allSettled(this.recording);
  }

  private wake(): void {
    this.running ??= this.work().then(
      () => {
        this.running = undefined;
        // A tick or a test may have come between the end of the loop and this turn.
        if (this.hasWork && this.mayBegin) this.wake();
      },
      (error: unknown) => this.giveUp(error),
    );
  }

  private async work(): Promise<void> {
    while (this.hasWork && this.mayBegin) {
      // One test between two ticks at most, so that many of them hold up no tick for longer than one does.
      if (this.tests?.ready) await this.tests.send(this.stopping);
      if (!this.waiting || !this.mayBegin) continue;
      const origin = originOf(this.waiting);
      if (isPaused(this.waiting)) await this.skip(this.takeWaiting(), {});
      else if (origin === undefined) this.keepForInbox(this.takeWaiting());
      else if (!this.breaker.canSend(this.services.now()))
        await this.skip(this.takeWaiting(), { circuitBreakerSkipped: true });
      else await this.deliver(origin);
    }
  }

  /** A fault in our code or a tick's data costs its own callback, not the offset of a whole partition. */
  private giveUp(error: unknown): void {
    const { current } = this;
    this.services.logger.error(
      { agentId: this.agentId, tick: current?.tick, err: error },
      'a callback failed through a fault of ours',
    );
    if (current) this.ended(current);
    this.running = undefined;
    // What waits goes with the next tick: a fault that repeats must not become a busy loop.
  }

  private get hasWork(): boolean {
    return this.waiting !== undefined || this.tests?.ready === true;
  }

  private get mayBegin(): boolean {
    return !this.drained && !this.stopping.cancelled && this.alive();
  }

  private takeWaiting(): LaneTick {
    const tick = this.waiting!;
    this.current = tick;
    this.waiting = undefined;
    return tick;
  }

  /** Whoever has no callback reads the inbox. There is nothing to record, and often nothing to store. */
  private keepForInbox(tick: LaneTick): void {
    const before = this.carried.revision;
    this.carry(tick);
    if (this.carried.revision === before && this.taken.isOnlyOpen(tick.tick)) {
      this.current = undefined;
      this.taken.storedUpTo(this.taken.end(tick.tick));
    } else {
      this.ended(tick);
    }
  }

  private async skip(tick: LaneTick, why: Pick<DeliveryEnd, 'circuitBreakerSkipped'>): Promise<void> {
    this.carry(tick);
    await this.record(tick, { outcome: 'skipped', attempts: 0, ...why });
  }

  private supersede(tick: LaneTick): void {
    this.carry(tick);
    this.superseded.push(tick);
    if (!this.current) this.tellSuperseded();
  }

  private tellSuperseded(): void {
    for (const tick of this.superseded.splice(0)) {
      if (originOf(tick) === undefined && !isPaused(tick)) {
        this.ended(tick);
        continue;
      }
      const recording = this.record(tick, { outcome: 'superseded', attempts: 0 })
        .catch((error: unknown) =>
          this.services.logger.error(
            { agentId: this.agentId, tick: tick.tick, err: error },
            'a superseded tick could not be recorded',
          ),
        )
        .finally(() => this.recording.delete(recording));
      this.recording.add(recording);
    }
  }

  /** In two steps, so that nothing holds the callback while its end is on its way to the log. */
  private async deliver(origin: string): Promise<void> {
    const told = await this.call(origin);
    if (told) await this.record(told.tick, told.end, told.taken);
  }

  /** @returns undefined when nothing is to be recorded: its turn did not come, or it is left for the next owner */
  private async call(origin: string): Promise<Told | undefined> {
    const begun = await this.inTurn(origin, () => this.begin(origin));
    if (!begun) return undefined;
    const { tick, callback } = begun;
    if (!callback) {
      this.carry(tick);
      return { tick, end: { outcome: 'failed', attempts: 0, error: UNSENDABLE } };
    }
    let { outcome } = begun;
    let attempts = 1;
    let verdict: AttemptVerdict | undefined = classifyAttempt(outcome);
    while (verdict.retry && attempts < TICK_ATTEMPTS && !this.waiting) {
      const next = await this.attemptAgain(callback, attempts, origin, verdict);
      if (!next) {
        if (!this.waiting || !this.mayBegin) verdict = undefined;
        break;
      }
      attempts += 1;
      outcome = next;
      verdict = classifyAttempt(outcome);
    }
    if (verdict?.delivery === 'success') return this.succeeded(tick, callback, attempts, outcome);
    if (verdict?.delivery === 'failure') return this.failed(tick, attempts, outcome, verdict.error);
    this.breaker.step('abandoned', this.services.now());
    return undefined;
  }

  /** The first attempt, for whichever tick waits when its turn has come: the newest one. */
  private async begin(origin: string): Promise<Begun | Unsendable | undefined> {
    if (!this.waiting || !this.mayBegin || originOf(this.waiting) !== origin) return undefined;
    const tick = this.takeWaiting();
    const { services } = this;
    const nowMs = services.now();
    let callback: TickCallback;
    try {
      callback = composeCallback(tick, this.carried, services.secrets.of(tick.agent, nowMs), nowMs);
    } catch (error) {
      services.logger.error({ agentId: this.agentId, tick: tick.tick, err: error }, UNSENDABLE);
      return { tick };
    }
    this.breaker.step('sent', nowMs);
    services.metrics.begun(tick.closedAtMs, nowMs);
    return { tick, callback, outcome: await this.attempt(callback, 1) };
  }

  /** @returns undefined when a newer tick, or the end, came before the attempt */
  private async attemptAgain(
    callback: TickCallback,
    attempts: number,
    origin: string,
    { retryAfter }: AttemptVerdict,
  ): Promise<AttemptOutcome | undefined> {
    if (!this.mayBegin) return undefined;
    const { now, random } = this.services;
    const retrying = (this.retrying = new AbortController());
    try {
      await sleep(tickRetryPauseMs(attempts, retryAfter, now(), random), undefined, { signal: retrying.signal });
      return await this.inTurn(origin, () => this.attempt(callback, attempts + 1), retrying.signal);
    } catch {
      return undefined; // interrupted
    } finally {
      this.retrying = undefined;
    }
  }

  /** @returns undefined when the lane was stopped, or `signal` fired, before the turn came */
  private async inTurn<T>(origin: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> {
    const { agentId: endpointKey, stopping } = this;
    try {
      return await this.services.limiter.run(origin, task, { endpointKey, signal, cancellation: stopping });
    } catch (error) {
      if (stopping.cancelled || signal?.aborted) return undefined;
      throw error;
    }
  }

  private attempt({ url, body, headers }: TickCallback, attempt: number): Promise<AttemptOutcome> {
    headers['X-WallStreetSim-Attempt'] = String(attempt);
    return this.services.client.post({
      url,
      body,
      headers,
      timeoutMs: this.services.timeoutMs,
      cancellation: this.stopping,
    });
  }

  /** @returns undefined when the answer could not be put on the log before the agent became another dispatcher's */
  private async succeeded(
    tick: LaneTick,
    { brought, left }: TickCallback,
    attempts: number,
    outcome: AttemptOutcome,
  ): Promise<Told | undefined> {
    const { services } = this;
    const { status = 200, body } = outcome.kind === 'response' ? outcome : { body: Buffer.alloc(0) };
    const answer = readAnswer(status, body);
    const actions = answer.actions.length;
    // An answer without actions changes nothing in the world: it is told by the delivery alone.
    if (actions > 0) {
      if (!(await services.deliveries.answer(tick, answer, this.releasing.signal))) return undefined;
      steps.publish('dispatcher.answered');
    }
    this.breaker.step('succeeded', services.now());
    return { tick, end: endOf('delivered', attempts, outcome, actions, answer.error), taken: { brought, left } };
  }

  private failed(tick: LaneTick, attempts: number, outcome: AttemptOutcome, error: string): Told {
    this.breaker.step('failed', this.services.now());
    this.carry(tick);
    return { tick, end: endOf('failed', attempts, outcome, 0, error) };
  }

  private carry(tick: LaneTick): void {
    try {
      this.services.metrics.itemsDropped(this.carried.add(tick.tick, itemsOf(tick.own)));
    } catch (error) {
      // Data that breaks its contract must not end the handling of other agents' ticks.
      this.services.logger.error(
        { agentId: this.agentId, tick: tick.tick, err: error },
        'the items of a tick cannot be read',
      );
    }
  }

  /** @param taken of the callback whose items the agent has now; what did not fit into it is carried */
  private async record(tick: LaneTick, end: DeliveryEnd, taken?: Told['taken']): Promise<void> {
    const { deliveries, metrics } = this.services;
    if (!(await deliveries.end(tick, end, this.releasing.signal))) return;
    if (taken) {
      this.carried.remove(taken.brought);
      metrics.itemsDropped(this.carried.add(tick.tick, taken.left));
    }
    metrics.ended(end.outcome);
    this.ended(tick);
  }

  private ended(tick: LaneTick): void {
    this.breaker.keep();
    this.taken.end(tick.tick);
    if (tick === this.current) {
      this.current = undefined;
      this.tellSuperseded();
    }
    if (this.taken.ended > this.taken.stored) this.services.settlements.add(this);
  }
}

function endOf(
  outcome: 'delivered' | 'failed',
  attempts: number,
  { status, durationMs }: AttemptOutcome,
  actions: number,
  error: string | undefined,
): DeliveryEnd {
  return {
    outcome,
    attempts,
    statusCode: status,
    responseTimeMs: Math.round(durationMs * 1_000) / 1_000,
    error,
    actions,
  };
}
