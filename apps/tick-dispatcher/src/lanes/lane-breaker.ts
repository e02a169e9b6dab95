import { breakerStep, canSend, type BreakerEvent, type BreakerState } from '@tickwire/delivery';
import { judgeReset, remember, type BreakerReset } from '../controls/breaker-resets.js';

/** What of an agent's breaker survives a restart. */
export interface StoredBreaker {
  breaker: BreakerState;
  resets: readonly BreakerReset[];
}

/** One agent's breaker: as it is, and as it is to be stored. */
export class LaneBreaker {
  private state: BreakerState;
  private resets: readonly BreakerReset[];
  /** Without the probe that may be in flight: after a crash nobody waits for its result. */
  toStore: StoredBreaker;
  private stored: StoredBreaker | undefined;

  constructor(stored: StoredBreaker) {
    this.state = stored.breaker;
    this.resets = stored.resets;
    this.toStore = stored;
  }

  /** Whether this process has stored it as it is: the same objects stand for the same state. */
  get isStored(): boolean {
    return this.toStore.breaker === this.stored?.breaker && this.toStore.resets === this.stored.resets;
  }

  storedAs(stored: StoredBreaker): void {
    this.stored = stored;
  }

  canSend(nowMs: number): boolean {
    return canSend(this.state, nowMs);
  }

  step(event: Exclude<BreakerEvent, 'reset'>, nowMs: number): void {
    this.state = breakerStep(this.state, event, nowMs);
  }

  /** A delivery has ended: what holds now is what is stored with it. */
  keep(): void {
    const { state, resets } = this;
    this.toStore = { breaker: state.phase === 'half_open' ? { ...state, probeSentAtMs: null } : state, resets };
  }

  /** @returns `needless` where nothing had failed: it costs none of the hour's resets */
  reset(wish: BreakerReset, nowMs: number): 'granted' | 'repeated' | 'refused' | 'needless' {
    const verdict = judgeReset(this.resets, wish);
    if (verdict !== 'granted') return verdict;
    const closed = breakerStep(this.state, 'reset', nowMs);
    if (closed === this.state) return 'needless';
    this.state = closed;
    this.resets = remember(this.resets, wish);
    this.keep();
    return verdict;
  }
}
