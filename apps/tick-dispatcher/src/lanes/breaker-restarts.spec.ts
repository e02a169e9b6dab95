import type { BreakerState } from '@tickwire/delivery';
import { LaneBreaker } from './lane-breaker.js';

const OPEN_MS = 60_000;

/** The breaker with a restart between any two deliveries: what is stored is all that the next process knows. */
class RestartedBreaker {
  nowMs = 1_000_000;
  private stored: { breaker: BreakerState; resets: readonly [] } = {
    breaker: { phase: 'closed', consecutiveFailures: 0 },
    resets: [],
  };

  get state(): BreakerState {
    return this.stored.breaker;
  }

  /** @returns whether the delivery went out */
  delivery(outcome: 'succeeded' | 'failed'): boolean {
    const breaker = this.restarted();
    const sent = breaker.canSend(this.nowMs);
    if (sent) {
      breaker.step('sent', this.nowMs);
      breaker.step(outcome, this.nowMs);
    }
    breaker.keep();
    this.store(breaker);
    return sent;
  }

  /** The process dies while the delivery is out: nothing of it is stored. */
  deliveryThatDies(): boolean {
    const breaker = this.restarted();
    const sent = breaker.canSend(this.nowMs);
    if (sent) breaker.step('sent', this.nowMs);
    this.store(breaker); // e.g. with a superseded tick
    return sent;
  }

  private restarted(): LaneBreaker {
    return new LaneBreaker(this.stored);
  }

  private store(breaker: LaneBreaker): void {
    this.stored = JSON.parse(JSON.stringify(breaker.toStore)) as typeof this.stored;
  }
}

describe('a breaker with a restart after every delivery', () => {
  const failing = (times: number): RestartedBreaker => {
    const breaker = new RestartedBreaker();
    for (let n = 0; n < times; n += 1) breaker.delivery('failed');
    return breaker;
  };
  const halfOpen = (): RestartedBreaker => {
    const breaker = failing(5);
    breaker.nowMs += OPEN_MS;
    return breaker;
  };

  it.each([0, 1, 2, 3, 4])('is closed after %d consecutive failures, and counts on from there', (failures) => {
    const breaker = failing(failures);
    expect(breaker.state).toEqual({ phase: 'closed', consecutiveFailures: failures });
    for (let n = failures; n < 5; n += 1) expect(breaker.delivery('failed')).toBe(true);
    expect(breaker.state).toEqual({ phase: 'open', openedAtMs: breaker.nowMs });
  });

  it('forgets its failures with one success', () => {
    const breaker = failing(4);
    breaker.delivery('succeeded');
    for (let n = 0; n < 4; n += 1) breaker.delivery('failed');
    expect(breaker.state).toEqual({ phase: 'closed', consecutiveFailures: 4 });
  });

  it('stays open for sixty seconds from when it opened, however often the process restarts meanwhile', () => {
    const breaker = failing(5);
    for (const passedMs of [1, 30_000, 29_998]) {
      breaker.nowMs += passedMs;
      expect(breaker.delivery('succeeded')).toBe(false);
    }
    breaker.nowMs += 1;
    expect(breaker.delivery('succeeded')).toBe(true);
    expect(breaker.state).toEqual({ phase: 'half_open', successes: 1, probeSentAtMs: null });
  });

  it('is half open with one success, closes with the second, and begins its count anew', () => {
    const breaker = halfOpen();
    breaker.delivery('succeeded');
    breaker.delivery('succeeded');
    expect(breaker.state).toEqual({ phase: 'closed', consecutiveFailures: 0 });
  });

  it.each([0, 1])('is open for another sixty seconds with a failure after %d successes of two', (successes) => {
    const breaker = halfOpen();
    for (let n = 0; n < successes; n += 1) breaker.delivery('succeeded');
    expect(breaker.delivery('failed')).toBe(true);
    expect(breaker.state).toEqual({ phase: 'open', openedAtMs: breaker.nowMs });
    breaker.nowMs += OPEN_MS - 1;
    expect(breaker.delivery('succeeded')).toBe(false);
  });

  it('is not blocked by a probe that died with its process', () => {
    const breaker = halfOpen();
    expect(breaker.deliveryThatDies()).toBe(true);
    expect(breaker.delivery('succeeded')).toBe(true);
    expect(breaker.deliveryThatDies()).toBe(true);
    expect(breaker.delivery('succeeded')).toBe(true);
    expect(breaker.state).toEqual({ phase: 'closed', consecutiveFailures: 0 });
  });
});
