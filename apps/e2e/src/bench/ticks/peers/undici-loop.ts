import { Pool } from 'undici';
import { ownBytes, sendInTurn, signer, type PeerPlan, type PeerService } from './prepared-callbacks.js';

/** The least that can be done with undici: sign, request, drain. No order, no retry, no record. */
export async function prepareUndiciLoop(plan: PeerPlan): Promise<PeerService> {
  const pools = plan.origins.map((origin) => new Pool(origin, { connections: plan.connectionsPerOrigin }));
  const ready = plan.callbacks.map(({ origin, path, body, headers, secret }) => ({
    pool: pools[origin]!,
    path,
    body: ownBytes(body),
    headers,
    sign: signer(secret),
  }));
  const send = async (callback: number): Promise<void> => {
    const { pool, path, body, headers, sign } = ready[callback]!;
    const answer = await pool.request({
      method: 'POST',
      path,
      body,
      headers: { ...headers, 'X-WallStreetSim-Signature': sign(body) },
    });
    await answer.body.dump();
    if (answer.statusCode !== 200) throw new Error(`answered ${answer.statusCode}`);
  };
  return { send: (count) => sendInTurn(count, plan.concurrency, ready.length, send) };
}
