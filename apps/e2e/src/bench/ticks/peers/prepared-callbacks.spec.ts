import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { verifyTick } from '@tickwire/signing';
import { BenchWorld } from '../world/bench-world.js';
import { prepareGotLoop } from './got-loop.js';
import { prepareCallbacks, sendInTurn, type PeerPlan } from './prepared-callbacks.js';
import { prepareUndiciLoop } from './undici-loop.js';

it('sends every callback in turn, never more of them at a time than wanted', async () => {
  const sent: number[] = [];
  let inFlight = 0;
  let most = 0;
  const stretch = await sendInTurn(7, 2, 3, async (callback) => {
    sent.push(callback);
    most = Math.max(most, (inFlight += 1));
    await new Promise((resolve) => setImmediate(resolve));
    inFlight -= 1;
  });
  expect(stretch.sent).toBe(7);
  expect(sent).toEqual([0, 1, 2, 0, 1, 2, 0]);
  expect(most).toBe(2);
});

it('fails where one callback does', async () => {
  await expect(sendInTurn(3, 1, 1, () => Promise.reject(new Error('answered 500')))).rejects.toThrow('answered 500');
});

describe.each([
  ['undici', prepareUndiciLoop],
  ['got', prepareGotLoop],
])('the loop with %s', (_, prepare) => {
  it('sends what the dispatcher would: canonical bodies, signed with the secret of their agent', async () => {
    const taken: { request: http.IncomingMessage; body: string }[] = [];
    const server = http.createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
      taken.push({ request, body });
      response.end('{"actions":[]}');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const world = new BenchWorld('wld_peer', 4);
    const secrets = world.agentIds.map((id) => `ticksec_${id}`);
    const plan: PeerPlan = {
      origins: [`http://127.0.0.1:${(server.address() as AddressInfo).port}`],
      callbacks: prepareCallbacks(world.next(1)[0]!.records, world.agentIds, secrets, 1),
      connectionsPerOrigin: 2,
      concurrency: 2,
    };
    const { send } = await prepare(plan);
    expect((await send(4)).sent).toBe(4);
    server.closeAllConnections();
    server.close();

    expect(taken.map(({ request }) => request.url).sort()).toEqual(world.agentIds.map((_, n) => `/agents/${n}`));
    for (const { request, body } of taken) {
      const agentId = request.headers['x-wallstreetsim-agent'] as string;
      const signature = request.headers['x-wallstreetsim-signature'] as string;
      expect(JSON.stringify(JSON.parse(body))).toBe(body);
      expect(verifyTick(body, signature, `ticksec_${agentId}`)).toBe(true);
      expect(JSON.parse(body)).toMatchObject({ portfolio: { agentId } });
    }
  });
});
