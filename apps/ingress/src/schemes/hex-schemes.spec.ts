import type { IncomingHttpHeaders } from 'node:http';
import { ProblemError } from '@tickwire/problem-details';
import { signBodyHex, signTimestampedHex, textKey } from '@tickwire/signing';
import fc from 'fast-check';
import { textOf, scanFields } from '../signals/scan-fields.js';
import { BodyHex } from './body-hex.js';
import type { SchemePolicy } from './scheme-policy.js';
import { authenticate, type Proof } from './scheme.js';
import { Senders } from '../../fixtures/senders.js';
import { TimestampedHex } from './timestamped-hex.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NOW_MS = Date.parse('2026-01-31T09:30:00.000Z');
const isoAt = (ms: number): string => new Date(ms).toISOString();

interface Sending {
  body: string | Buffer;
  headers: IncomingHttpHeaders;
}
/** What a test may choose about a request that is signed correctly. */
interface Signing {
  secret?: string;
  timestamp?: string;
  members?: Record<string, unknown>;
  /** Neither scheme signs these. */
  headers?: IncomingHttpHeaders;
}

function signalText(timestamp: string, members: Record<string, unknown> = {}): string {
  return JSON.stringify({ tenantId: 'ten_1', action: 'buy', timestamp, ...members });
}

/** The two schemes, so far as they are to behave alike. */
const SCHEMES = [
  {
    name: 'timestamped-hex' as const,
    header: 'x-signature',
    toleranceMs: 60_000,
    sign({ secret = SECRET, timestamp = isoAt(NOW_MS), members, headers }: Signing = {}): Sending {
      const body = signalText('long ago', members);
      const signature = signTimestampedHex({ timestamp, body, key: textKey(secret) });
      return { body, headers: { 'x-timestamp': timestamp, 'x-signature': signature, ...headers } };
    },
    /** As `sign`, also for times that no honest signer would write. */
    withTime(timestamp: string): Sending {
      const { body } = this.sign();
      const signature = signBodyHex({ body: `${timestamp}.${body.toString()}`, key: textKey(SECRET) });
      return { body, headers: { 'x-timestamp': timestamp, 'x-signature': signature } };
    },
  },
  {
    name: 'body-hex' as const,
    header: 'x-webhook-signature',
    toleranceMs: 300_000,
    sign({ secret = SECRET, timestamp = isoAt(NOW_MS), members, headers }: Signing = {}): Sending {
      const body = signalText(timestamp, members);
      return { body, headers: { 'x-webhook-signature': signBodyHex({ body, key: textKey(secret) }), ...headers } };
    },
    withTime(timestamp: string): Sending {
      return this.sign({ timestamp });
    },
  },
];

let senders: Senders;
beforeEach(() => {
  senders = new Senders();
});

function send({ body: given, headers }: Sending, nowMs = NOW_MS, policy?: SchemePolicy): Promise<Proof> {
  const schemes = [
    new TimestampedHex(senders.secrets, { tenantOf: senders.tenantOf }),
    new BodyHex(senders.secrets),
  ] as const;
  const body = Buffer.from(given);
  const raw = scanFields(body, new Set(['tenantId', 'botId', 'timestamp']));
  const claims = {
    tenantId: textOf(raw.get('tenantId')),
    botId: textOf(raw.get('botId')),
    timestamp: textOf(raw.get('timestamp')),
  };
  return authenticate(schemes, { headers, body, claims, nowMs }, policy && (() => Promise.resolve(policy)));
}

async function refusalOf(proof: Promise<Proof>): Promise<ProblemError> {
  const error = await proof.then(
    (found) => new Error(`was accepted: ${JSON.stringify(found)}`),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ProblemError)) throw error;
  return error;
}

/** What the signed time says of the sender's clock has specs of its own. */
const CLOCK = expect.objectContaining({ skewMs: expect.any(Number) as number }) as object;

/** The one refusal that tells nothing. */
async function expectNotAuthenticated(sending: Sending): Promise<void> {
  const { code, message, details } = await refusalOf(send(sending));
  expect([code, message, details]).toEqual(['BAD_SIGNATURE', 'The credential does not fit this request.', undefined]);
}

describe.each(SCHEMES)('$name', (scheme) => {
  const { name, header, toleranceMs } = scheme;
  const withSignature = (signature: string): Sending => {
    const { body, headers } = scheme.sign();
    return { body, headers: { ...headers, [header]: signature } };
  };
  const hex = String(scheme.sign().headers[header]).slice('sha256='.length);

  it('proves every signed request, for any secret and body, the time in either form, and has no nonce', async () => {
    const facts = fc.record({
      secret: fc.string({ unit: 'grapheme', minLength: 1 }),
      unix: fc.boolean(),
      skewMs: fc.integer({ min: -59_000, max: 59_000 }),
      members: fc.dictionary(
        fc.string().filter((key) => !['tenantId', 'botId', 'timestamp', '__proto__'].includes(key)),
        fc.jsonValue(),
      ),
    });
    const property = fc.asyncProperty(facts, async ({ secret, unix, skewMs, members }) => {
      senders = new Senders();
      senders.add(secret);
      const atMs = NOW_MS + skewMs;
      const timestamp = unix ? String(Math.floor(atMs / 1_000)) : isoAt(atMs);
      await expect(send(scheme.sign({ secret, timestamp, members }))).resolves.toEqual({
        clock: CLOCK,
        scheme: name,
        tenantId: 'ten_1',
      });
    });
    await fc.assert(property);
  });

  it('refuses a request with any one byte of body, signature or time changed', async () => {
    senders.add(SECRET);
    const { body, headers } = scheme.sign();
    const flips = { bytes: fc.nat(), by: fc.integer({ min: 1, max: 127 }) };
    const place = fc.record({ field: fc.constantFrom('body', ...Object.keys(headers)), ...flips });
    const property = fc.asyncProperty(place, async ({ field, bytes: at, by }) => {
      const original = field === 'body' ? body.toString() : String(headers[field]);
      const changed = Buffer.from(original);
      changed[at % changed.length]! ^= by;
      const text = changed.toString('latin1');
      // The same digit in the other case is the same signature.
      fc.pre(field !== header || text.slice(0, 7) !== 'sha256=' || text.toLowerCase() !== original);
      await expectNotAuthenticated(
        field === 'body' ? { body: changed, headers } : { body, headers: { ...headers, [field]: text } },
      );
    });
    await fc.assert(property, { numRuns: 500 });
  });

  it('takes the digits in either case', async () => {
    senders.add(SECRET);
    for (const digits of [hex, hex.toUpperCase(), hex.slice(0, 32) + hex.slice(32).toUpperCase()]) {
      await expect(send(withSignature(`sha256=${digits}`))).resolves.toMatchObject({ scheme: name });
    }
  });

  it.each([
    ['nothing', ''],
    ['no digits', 'sha256='],
    ['a digit less', `sha256=${hex.slice(1)}`],
    ['a byte less', `sha256=${hex.slice(2)}`],
    ['a digit more', `sha256=${hex}0`],
    ['a byte more', `sha256=${hex}00`],
    ['the prefix twice', `sha256=sha256=${hex}`],
    ['the prefix in capitals', `SHA256=${hex}`],
    ['another hash', `sha512=${hex}`],
    ['a list', `sha256=${hex}, sha256=${hex}`],
    ['a list without blanks', `sha256=${hex},sha256=${hex}`],
    ['a list of bare digits', `${hex}, ${hex}`],
    ['a blank in front', ` sha256=${hex}`],
    ['a blank behind', `sha256=${hex} `],
    ['a line end', `sha256=${hex}\n`],
    ['0x', `sha256=0x${hex.slice(2)}`],
    ['digits that are no hex', `sha256=${'g'.repeat(64)}`],
    ['full-width digits', `sha256=${'\uff10'.repeat(64)}`],
    ['Arabic digits', `sha256=${'\u0660'.repeat(64)}`],
    ['base64', `sha256=${Buffer.from(hex, 'hex').toString('base64')}`],
  ])('refuses a signature of another form: %s', async (_what, signature) => {
    senders.add(SECRET);
    await expectNotAuthenticated(withSignature(signature));
  });

  it.each([
    '',
    'now',
    '1769851800abc',
    ' 1769851800',
    '+1769851800',
    '-1769851800',
    '01769851800',
    '0x697dcc18',
    '1.7698518e9',
    '1769851800.0',
    '1769851800000',
    '9'.repeat(400),
    'NaN',
    'Infinity',
    '\u0661\u0667\u0666\u0669\u0668\u0665\u0661\u0668\u0660\u0660',
    '2026-01-31',
    '2026-01-31T09:30:00',
    '2026-01-31T09:30:00Z, 2026-01-31T09:30:00Z',
    '2026-02-30T09:30:00Z',
  ])('refuses the time %j although it is signed', async (timestamp) => {
    senders.add(SECRET);
    await expectNotAuthenticated(scheme.withTime(timestamp));
  });

  it('tells a stale time, and by how much, to him alone whose signature holds', async () => {
    senders.add(SECRET);
    for (const skewMs of [toleranceMs, -toleranceMs]) {
      await expect(send(scheme.sign({ timestamp: isoAt(NOW_MS - skewMs) }))).resolves.toMatchObject({ scheme: name });
    }
    for (const skewMs of [toleranceMs + 1, -toleranceMs - 1, 86_400_000]) {
      const timestamp = isoAt(NOW_MS - skewMs);
      const { code, details } = await refusalOf(send(scheme.sign({ timestamp })));
      expect([code, details]).toEqual(['STALE_TIMESTAMP', { skewMs, toleranceMs }]);
      await expectNotAuthenticated(scheme.sign({ timestamp, secret: 'wrong' }));
    }
    // The latest time that can be written in seconds; one digit more is none.
    expect((await refusalOf(send(scheme.sign({ timestamp: '999999999999' })))).code).toBe('STALE_TIMESTAMP');
  });

  it('keeps two tenants with the same secret apart', async () => {
    senders.add(SECRET, { tenantId: 'ten_1' });
    senders.add(SECRET, { tenantId: 'ten_2' });
    const second = scheme.sign({ members: { tenantId: 'ten_2' } });
    await expect(send(second)).resolves.toMatchObject({ tenantId: 'ten_2' });
    await expectNotAuthenticated({ ...second, body: second.body.toString().replace('ten_2', 'ten_1') });
    // Only the secrets of the tenant that the body names were read.
    expect(new Set([...senders.cacheReads, ...senders.databaseReads])).toEqual(new Set(['ten_2', 'ten_1']));
    expect(senders.cacheReads).toEqual(['ten_2', 'ten_1']);
  });

  it('refuses the secret of another tenant, of an unknown one, and a body that names none', async () => {
    senders.add(SECRET, { tenantId: 'ten_2' });
    await expectNotAuthenticated(scheme.sign());
    await expectNotAuthenticated(scheme.sign({ members: { tenantId: undefined } }));
    await expectNotAuthenticated({ ...scheme.sign(), body: 'garbage' });
  });

  it('takes every live secret, and none from the instant of its expiry on', async () => {
    senders.add('old', { expiresAtMs: NOW_MS + 1 });
    senders.add('new');
    for (const secret of ['old', 'new']) await expect(send(scheme.sign({ secret }))).resolves.toBeDefined();
    const sending = scheme.sign({ secret: 'old' });
    expect((await refusalOf(send(sending, NOW_MS + 1))).code).toBe('BAD_SIGNATURE');
  });

  it('binds the request to the bot whose own secret signed', async () => {
    senders.add(SECRET);
    senders.add('of the bot', { botId: 'bot_1' });
    senders.add('of another', { botId: 'bot_2' });
    const members = { botId: 'bot_1' };
    await expect(send(scheme.sign({ secret: 'of the bot', members }))).resolves.toEqual({
      clock: CLOCK,
      scheme: name,
      tenantId: 'ten_1',
      botId: 'bot_1',
    });
    await expect(send(scheme.sign({ members }))).resolves.toEqual({ scheme: name, tenantId: 'ten_1', clock: CLOCK });
    await expectNotAuthenticated(scheme.sign({ secret: 'of another', members }));
    await expectNotAuthenticated(scheme.sign({ secret: 'of the bot' }));
  });

  it('believes a secret that the cache has not heard of', async () => {
    senders.add('old');
    senders.add('young', { cached: false });
    await expect(send(scheme.sign({ secret: 'young' }))).resolves.toBeDefined();
  });

  it('lives with secrets that cannot be opened, and with one that is empty', async () => {
    const damaged = senders.add('x', { sealedFor: 'another row' });
    senders.add('');
    senders.add(SECRET);
    await expect(send(scheme.sign())).resolves.toBeDefined();
    await expect(send(scheme.sign())).resolves.toBeDefined();
    await expectNotAuthenticated(scheme.sign({ secret: 'x' }));
    expect(senders.unreadable).toEqual([damaged]);
  });

  it('is refused by name where the tenant does not accept it, and only after its signature held', async () => {
    senders.add(SECRET);
    const policy: SchemePolicy = { schemes: ['standard-webhooks'] };
    const { code, message } = await refusalOf(send(scheme.sign(), NOW_MS, policy));
    expect([code, message]).toEqual(['FORBIDDEN', expect.stringContaining(name)]);
    expect((await refusalOf(send(scheme.sign({ secret: 'wrong' }), NOW_MS, policy))).code).toBe('BAD_SIGNATURE');
    await expect(send(scheme.sign(), NOW_MS, { schemes: ['api-key', name] })).resolves.toBeDefined();
    expect((await refusalOf(send(scheme.sign(), NOW_MS, { schemes: [] }))).code).toBe('FORBIDDEN');
  });

  it.each([
    ['the default', undefined, toleranceMs],
    ['one that is no number', Number.NaN, toleranceMs],
    ['a wider one', 200_000, 200_000],
    ['the widest', 300_000, 300_000],
    ['one beyond the widest', Number.POSITIVE_INFINITY, 300_000],
    ['a narrower one', 10_000, 10_000],
    ['one beyond the narrowest', 0, 5_000],
    ['a negative one', -60_000, 5_000],
  ])("keeps the tenant's window: %s", async (_what, set, kept) => {
    senders.add(SECRET);
    const policy = { toleranceMs: { [name]: set, 'standard-webhooks': 1 } };
    await expect(send(scheme.sign(), NOW_MS + kept, policy)).resolves.toBeDefined();
    const { code, details } = await refusalOf(send(scheme.sign(), NOW_MS + kept + 1, policy));
    expect([code, details]).toEqual(['STALE_TIMESTAMP', { skewMs: kept + 1, toleranceMs: kept }]);
  });

  it('does not stand beside another credential', async () => {
    senders.add(SECRET);
    for (const other of ['x-signature', 'x-webhook-signature', 'authorization']) {
      if (other === header) continue;
      const { code } = await refusalOf(send(scheme.sign({ headers: { [other]: 'anything' } })));
      expect(code).toBe('AMBIGUOUS_CREDENTIALS');
    }
  });
});

describe('body hex', () => {
  const [, bodyHex] = SCHEMES;

  it('refuses a signed body without a time of its own: it could be sent again for ever', async () => {
    senders.add(SECRET);
    for (const timestamp of [undefined, null, NOW_MS / 1_000, {}, [isoAt(NOW_MS)]]) {
      await expectNotAuthenticated(bodyHex!.sign({ members: { timestamp } }));
    }
    await expectNotAuthenticated(
      bodyHex!.sign({ members: { timestamp: undefined, signal: { timestamp: isoAt(NOW_MS) } } }),
    );
  });

  it('takes candidates from the signed body alone', async () => {
    senders.add(SECRET);
    const keyId = senders.add('of the bot', { botId: 'bot_1' });
    const headers = { 'x-bot-id': 'bot_1', 'x-key-id': keyId, 'x-timestamp': isoAt(0) };
    await expectNotAuthenticated(bodyHex!.sign({ secret: 'of the bot', headers }));
    await expect(send(bodyHex!.sign({ headers }))).resolves.toEqual({
      scheme: 'body-hex',
      tenantId: 'ten_1',
      clock: CLOCK,
    });
  });
});
