import { randomBytes } from 'node:crypto';
import { AddressGuard, CallbackClient, parseAllowCidrs, type AddressGuardSettings } from '@tickwire/delivery';
import { formatWebhookSecret } from '@tickwire/signing';
import { box, silent } from '../../fixtures/notifier-rig.js';
import { Receiver } from '../../fixtures/receiver.js';
import type { CallbackTarget, Delivery } from '../deliveries/delivery.js';
import { CallbackCaller } from './callback-caller.js';
import { CallbackSigner } from './callback-signer.js';

const toLoopback = (): Promise<{ address: string; family: 4 }[]> =>
  Promise.resolve([{ address: '127.0.0.1', family: 4 }]);

const loopback = parseAllowCidrs('127.0.0.1');

describe('CallbackCaller', () => {
  let receiver: Receiver;
  let client: CallbackClient;
  beforeEach(async () => (receiver = await Receiver.start()));
  afterEach(async () => {
    await client.destroy();
    await receiver.stop();
  });

  const callerWith = (guard: AddressGuardSettings): CallbackCaller => {
    client = new CallbackClient({ guard: new AddressGuard(guard) });
    const settings = { timeoutMs: 5_000, schedule: [0, 1_000], now: () => 1_700_000_000_900, random: () => 0.5 };
    return new CallbackCaller(client, new CallbackSigner(box), settings, silent);
  };
  const delivery = (target: Partial<CallbackTarget>): Delivery => ({
    endpointId: 'whe_1',
    eventId: '0b7b6a52-0f0e-5a51-8a38-3f7c8a6a7d05',
    attempts: 0,
    dueAtMs: 0,
    body: Buffer.from('{}'),
    target: {
      url: receiver.url(),
      sealedSecret: box.seal(formatWebhookSecret(randomBytes(24)), ['whe_1']),
      sealedPreviousSecret: null,
      previousSecretUntil: null,
      ...target,
    },
  });

  it('opens no connection for a public name that resolves to loopback', async () => {
    const caller = callerWith({ allowHttp: true, resolver: toLoopback });
    const result = await caller.attempt(delivery({ url: `http://rebound.example.com:${receiver.port}/` }));
    expect(result).toMatchObject({
      status: 'pending',
      attempt: 1,
      retryInMs: 1_000,
      error: expect.stringMatching(/^blocked_address/),
    });
    expect(receiver.connections).toBe(0);
  });

  it('opens one for the same name where the operator allows loopback', async () => {
    const caller = callerWith({ allowHttp: true, resolver: toLoopback, allowCidrs: loopback });
    const result = await caller.attempt(delivery({ url: `http://rebound.example.com:${receiver.port}/` }));
    expect(result).toMatchObject({ status: 'delivered', statusCode: 204 });
  });

  it('states the whole seconds of the attempt, however often the event is sent', async () => {
    const caller = callerWith({ allowHttp: true, allowCidrs: loopback });
    await caller.attempt(delivery({}));
    expect(receiver.requests[0]!.headers['webhook-timestamp']).toBe('1700000000');
  });

  it('keeps the schedule of a callback that it cannot sign, and sends nothing', async () => {
    const caller = callerWith({ allowHttp: true, allowCidrs: loopback });
    const stolen = box.seal(formatWebhookSecret(randomBytes(24)), ['whe_of_somebody_else']);
    const result = await caller.attempt(delivery({ sealedSecret: stolen }));
    expect(result).toMatchObject({ status: 'pending', retryInMs: 1_000, error: 'the callback could not be signed' });
    expect(receiver.connections).toBe(0);
  });

  it('records nothing of an attempt that is ended by our own stop', async () => {
    receiver.answer = () => void client.destroy();
    const caller = callerWith({ allowHttp: true, allowCidrs: loopback });
    expect(await caller.attempt(delivery({}))).toBeUndefined();
  });
});
