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
      const answers: Promise<void>[] = [];
      const send = async (index: number): Promise<void> => {
        const outcome = await post(pool, signals[index]!);
        if (outcome === ACCEPTED) acceptedAtMs[index] = wallMs();
        else refused[outcome] = (refused[outcome] ?? 0) + 1;
      };
      const { worstDelayMs } = await runOpenLoop(plan, SYSTEM_CLOCK, (index) => answers.push(send(index)));
      await Promise.all(answers);
      return { acceptedAtMs, refused, worstDelayMs };
    },
    close: () => pool.destroy(),
  };
}

/** @returns the status, or the error's code where there was no answer */
async function post(pool: Pool, { headers, body }: SignedSignal): Promise<number | string> {
  try {
    const answer = await pool.request({ method: 'POST', path: PATH, headers, body });
    // The time of acceptance is when the answer began to arrive; what is left of it must not hold up the connection.
    void answer.body.dump().catch(() => undefined);
    return answer.statusCode;
  } catch (error) {
    return (error as { code?: string }).code ?? 'ERROR';
  }
}
