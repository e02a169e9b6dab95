import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadResult } from '../latencies.js';
import type { PreparedWork } from '../workers/bench-worker.js';
import { HttpConnections } from './http-connections.js';
import { runOpenLoop, SYSTEM_CLOCK, wallMs, type OpenLoopPlan } from './open-loop.js';
import { requestBytes } from './request-bytes.js';
import { signSignals, type Senders } from './signed-signals.js';

export interface HttpLoadPlan extends OpenLoopPlan {
  /** Names the run in the ids of its signals. */
  run: string;
  ingressUrl: string;
  senders: Senders;
  connections: number;
}

const ACCEPTED = 202;
/** After the last arrival. */
const LONGEST_ANSWER_MS = 10_000;

/**
 * Signs all signals of a run, opens the connections; running it sends them by the clock. What has no answer in the end
 * is refused as `UNANSWERED`; a connection that breaks fails the run.
 */
export async function prepareHttpLoad(plan: HttpLoadPlan): Promise<PreparedWork<LoadResult>> {
  const { run, ingressUrl, senders, ratePerSecond, seconds } = plan;
  const signals = signSignals(senders, run, Math.round(ratePerSecond * seconds), Date.now());
  const requests = signals.map((signal) => requestBytes(ingressUrl, signal));
  const connections = await HttpConnections.open(ingressUrl, plan.connections);
  return {
    run: async () => {
      const acceptedAtMs = new Float64Array(requests.length).fill(NaN);
      const refused: Record<string, number> = {};
      let unanswered = requests.length;
      const { promise: answered, resolve: allAnswered } = Promise.withResolvers<void>();
      const sent = runOpenLoop(plan, SYSTEM_CLOCK, (index) =>
        connections.send(requests[index]!, (status) => {
          if (status === ACCEPTED) acceptedAtMs[index] = wallMs();
          else refused[status] = (refused[status] ?? 0) + 1;
          if (--unanswered === 0) allAnswered();
        }),
      );
      const { worstDelayMs } = await Promise.race([sent, connections.broken]);
      const patience = new AbortController();
      const tooLong = sleep(LONGEST_ANSWER_MS, undefined, { signal: patience.signal }).catch(() => undefined);
      if (unanswered > 0) await Promise.race([answered, connections.broken, tooLong]);
      patience.abort();
      if (unanswered > 0) refused['UNANSWERED'] = unanswered;
      return { acceptedAtMs, refused, worstDelayMs };
    },
    close: async () => connections.close(),
  };
}
