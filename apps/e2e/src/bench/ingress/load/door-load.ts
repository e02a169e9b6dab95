import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnections } from '../../load/http-connections.js';
import { runOpenLoop, SYSTEM_CLOCK } from '../../load/open-loop.js';
import { requestBytes } from '../../load/request-bytes.js';
import { signSignals, type Senders } from '../../load/signed-signals.js';
import type { PreparedWork } from '../../workers/bench-worker.js';

/** How long, and how fast. */
export interface Stretch {
  seconds: number;
  /** Arrivals by the clock. Absent: each connection sends the next request when the last was answered. */
  ratePerSecond?: number;
}

export interface DoorLoadPlan {
  /** Names the run in the ids of its signals. */
  run: string;
  url: string;
  senders: Senders;
  connections: number;
  /** Each call of `run()` is the next one. */
  stretches: readonly Stretch[];
  /** Sends the same requests again and again: for a peer that does not mind. */
  repeating: boolean;
}

export interface DoorLoadResult {
  accepted: number;
  /** Answers other than 202, by status. */
  refused: Record<string, number>;
  /** From the first request to the last answer. */
  seconds: number;
  /** Of accepted signals, ms. Open loop: since the request was due. Closed loop: since it was sent. */
  latenciesMs: Float64Array;
  /** Open loop: how late the generator itself was at worst. */
  worstDelayMs: number;
}

const ACCEPTED = 202;
/** No ingress on one processor takes more: a stretch without a rate ends early where one does. */
const MOST_PER_SECOND = 12_000;
const REPEATED = 20_000;
/** After the end of a stretch. */
const LONGEST_ANSWER_SECONDS = 30;

/**
 * Signs the requests of all stretches and opens the connections. Each `run()` sends the next stretch.
 * A request that is not answered, or a broken connection, fails the run.
 */
export async function prepareDoorLoad(plan: DoorLoadPlan): Promise<PreparedWork<DoorLoadResult>> {
  const { run, url, senders, connections, stretches, repeating } = plan;
  const counts = stretches.map(({ seconds, ratePerSecond = MOST_PER_SECOND }) => Math.round(seconds * ratePerSecond));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const signals = signSignals(senders, run, repeating ? Math.min(total, REPEATED) : total, Date.now());
  const requests = signals.map((signal) => requestBytes(url, signal));
  const open = await HttpConnections.open(url, connections);
  let next = 0;
  let stretch = 0;
  return {
    run: () => {
      const { seconds, ratePerSecond } = stretches[stretch]!;
      const count = counts[stretch]!;
      const from = next;
      next += count;
      stretch += 1;
      const requestOf = (index: number): Buffer => requests[(from + index) % requests.length]!;
      const sent =
        ratePerSecond === undefined
          ? closedLoop(open.all, requestOf, repeating ? Infinity : count, seconds)
          : openLoop(open, requestOf, { ratePerSecond, seconds });
      const silence = new AbortController();
      const tooLong = sleep((seconds + LONGEST_ANSWER_SECONDS) * 1_000, undefined, { signal: silence.signal }).then(
        () => Promise.reject(new Error(`Not all requests were answered within ${LONGEST_ANSWER_SECONDS} s`)),
        () => new Promise<never>(() => undefined),
      );
      return Promise.race([sent, open.broken, tooLong]).finally(() => silence.abort());
    },
    close: async () => open.close(),
  };
}

/** As fast as the answers come, for `seconds` or until there are no more requests. */
async function closedLoop(
  connections: HttpConnections['all'],
  requestOf: (index: number) => Buffer,
  count: number,
  seconds: number,
): Promise<DoorLoadResult> {
  const tally = new Tally();
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  let next = 0;
  await Promise.all(
    connections.map(
      (connection) =>
        new Promise<void>((resolve) => {
          const sendNext = (): void => {
            const sentMs = performance.now();
            if (next >= count || sentMs >= endMs) return resolve();
            connection.send(requestOf(next++), (status) => {
              tally.see(status, performance.now() - sentMs);
              sendNext();
            });
          };
          sendNext();
        }),
    ),
  );
  return tally.result((performance.now() - startMs) / 1_000, 0);
}

/** By the clock. A request waits for a connection where all are busy, and its waiting counts. */
async function openLoop(
  connections: HttpConnections,
  requestOf: (index: number) => Buffer,
  plan: { ratePerSecond: number; seconds: number },
): Promise<DoorLoadResult> {
  const tally = new Tally();
  const total = Math.round(plan.ratePerSecond * plan.seconds);
  const startMs = performance.now();
  const dueMs = (index: number): number => startMs + (index * 1_000) / plan.ratePerSecond;
  const all = Promise.withResolvers<void>();
  const { worstDelayMs } = await runOpenLoop(plan, SYSTEM_CLOCK, (index) =>
    connections.send(requestOf(index), (status) => {
      tally.see(status, performance.now() - dueMs(index));
      if (tally.seen === total) all.resolve();
    }),
  );
  await all.promise;
  return tally.result((performance.now() - startMs) / 1_000, worstDelayMs);
}

class Tally {
  seen = 0;
  private readonly latenciesMs: number[] = [];
  private readonly refused: Record<string, number> = {};

  see(status: number, latencyMs: number): void {
    this.seen += 1;
    if (status === ACCEPTED) this.latenciesMs.push(latencyMs);
    else this.refused[status] = (this.refused[status] ?? 0) + 1;
  }

  result(seconds: number, worstDelayMs: number): DoorLoadResult {
    const { latenciesMs, refused } = this;
    return {
      accepted: latenciesMs.length,
      refused,
      seconds,
      latenciesMs: Float64Array.from(latenciesMs),
      worstDelayMs,
    };
  }
}
