import { Agent } from 'node:http';
import got from 'got';
import { ownBytes, sendInTurn, signer, type PeerPlan, type PeerService } from './prepared-callbacks.js';

/** The same with got and its keep-alive agent. Its own retries are off, as the dispatcher has its own. */
export async function prepareGotLoop(plan: PeerPlan): Promise<PeerService> {
  const http = new Agent({ keepAlive: true, maxSockets: plan.connectionsPerOrigin });
  const client = got.extend({ agent: { http }, retry: { limit: 0 }, throwHttpErrors: false });
  const ready = plan.callbacks.map(({ origin, path, body, headers, secret }) => ({
    url: plan.origins[origin]! + path,
    body: ownBytes(body),
    headers,
    sign: signer(secret),
  }));
  const send = async (callback: number): Promise<void> => {
    const { url, body, headers, sign } = ready[callback]!;
    const { statusCode } = await client.post(url, {
      body,
      headers: { ...headers, 'X-WallStreetSim-Signature': sign(body) },
    });
    if (statusCode !== 200) throw new Error(`answered ${statusCode}`);
  };
  return { send: (count) => sendInTurn(count, plan.concurrency, ready.length, send) };
}
