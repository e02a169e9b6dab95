import { Pool } from 'undici';
import type { LoadResult } from '../latencies.js';
import type { PreparedWork } from '../workers/bench-worker.js';
import { runOpenLoop, SYSTEM_CLOCK, wallMs, type OpenLoopPlan } from './open-loop.js';
import { signSignals, type Senders, type SignedSignal } from './signed-signals.js';

export interface HttpLoadPlan extends OpenLoopPlan {
  /** Names the run in the ids of its signals. */
  run: string;
  ingressUrl: string;
  senders: Senders;
  connections: number;
}

const PATH = '/api/v1/webhooks/signals';
const ACCEPTED = 202;
const ANSWER_TIMEOUT_MS = 10_000;

/** Signs all signals of a run, opens the connections; running it sends them by the clock. */
export async function prepareHttpLoad(plan: HttpLoadPlan): Promise<PreparedWork<LoadResult>> {
  const { run, ingressUrl, senders, connections, ratePerSecond, seconds } = plan;
  const signals = signSignals(senders, run, Math.round(ratePerSecond * seconds), Date.now());
  const pool = new Pool(ingressUrl, {
    connections,
    pipelining: 1,
    headersTimeout: ANSWER_TIMEOUT_MS,
    bodyTimeout: ANSWER_TIMEOUT_MS,
  });
  return {
    run: async () => {
      const acceptedAtMs = new Float64Array(signals.length).fill(NaN);
      const refused: Record<string, number> = {};
      let unanswered = signals.length;
      const { promise: answered, resolve: allAnswered } = Promise.withResolvers<void>();
      const answer = (index: number, outcome: number | string): void => {
        if (outcome === ACCEPTED) acceptedAtMs[index] = wallMs();
        else refused[outcome] = (refused[outcome] ?? 0) + 1;
        if (--unanswered === 0) allAnswered();
      };
      const { worstDelayMs } = await runOpenLoop(plan, SYSTEM_CLOCK, (index) =>
        post(pool, signals[index]!, index, answer),
      );
      if (signals.length > 0) await answered;
      return { acceptedAtMs, refused, worstDelayMs };
    },
    close: () => pool.destroy(),
  };
}

/**
 * Below promises and streams: what the generator spends is missing to what it measures.
 * @param answer called once, when the answer begins to arrive: with the status, or the error's code where there was none
 */
function post(
  pool: Pool,
  { headers, body }: SignedSignal,
  index: number,
  answer: (index: number, outcome: number | string) => void,
): void {
  let isAnswered = false;
  const once = (outcome: number | string): void => {
    if (isAnswered) return;
    isAnswered = true;
    answer(index, outcome);
  };
  pool.dispatch(
    { method: 'POST', path: PATH, headers, body },
    {
      onRequestStart: () => undefined,
      onResponseStart: (_controller, status) => once(status),
      onResponseData: () => undefined,
      onResponseEnd: () => undefined,
      onResponseError: (_controller, error) => once((error as { code?: string }).code ?? 'ERROR'),
    },
  );
}
