import { createHash } from 'node:crypto';
import { TransientError } from '@tickwire/errors';
import fc from 'fast-check';
import {
  compact,
  goodClaims,
  ISSUER,
  issuerWith,
  noJwks,
  NOW,
  REQUEST,
  SECRET,
  senderWith,
  senderWithSecret,
  type JwtSender,
} from '../../fixtures/jwt-sender.js';
import { type JwksSource, type JwtIssuer, verifyJwt } from '../index.js';
import { readJwks } from './read-jwks.js';

const rsa = senderWith('RS256', 'rsa-1');
const ec = senderWith('ES256', 'ec-1');
const ed = senderWith('EdDSA', 'ed-1');
const hmac = senderWithSecret(SECRET);
const senders: JwtSender[] = [rsa, ec, ed, hmac];
const BAD_TOKEN = { ok: false, reason: 'BAD_TOKEN' };

const issuerOf = (sender: JwtSender, fields: Partial<JwtIssuer> = {}) =>
  issuerWith(sender === hmac ? { secret: SECRET, ...fields } : { keys: [sender.publicJwk], ...fields });
const verify = (token: string, ...issuers: JwtIssuer[]) => verifyJwt(token, issuers, noJwks, REQUEST);
const publishing = (...keys: unknown[]): JwksSource => ({
  keysAt: () => Promise.resolve(readJwks(Buffer.from(JSON.stringify({ keys })))),
});

describe('verifyJwt', () => {
  it.each(senders.map((sender) => [sender.algorithm, sender] as const))(
    'accepts what a %s key signed',
    async (_, sender) => {
      const issuer = issuerOf(sender, { id: 'iss_9', botId: 'bot_1' });
      expect(await verify(await sender.sign({ jti: 'j-1' }), issuer)).toEqual({
        ok: true,
        issuerId: 'iss_9',
        tenantId: 'ten_1',
        botId: 'bot_1',
        subject: 'bot-7',
        expiresAtMs: (NOW + 600) * 1000,
        jti: 'j-1',
        bodyBound: false,
      });
    },
  );

  it('accepts EdDSA under its newer name', async () => {
    const token = await ed.sign({}, { alg: 'Ed25519' });
    expect(await verify(token, issuerOf(ed))).toMatchObject({ ok: true });
    expect(await verify(token, issuerOf(ed, { keys: [{ ...ed.publicJwk, alg: 'Ed25519' }] }))).toMatchObject({
      ok: true,
    });
  });

  it.each(senders.map((sender) => [sender.algorithm, sender] as const))(
    'refuses a %s token with any one character changed, added or left out',
    async (_, sender) => {
      const token = await sender.sign();
      const issuer = issuerOf(sender);
      const character = fc.constantFrom(...'ABCDabcd0123456789-_+/=. \n\u00e9');
      const edit = fc.constantFrom('replace', 'insert', 'remove');
      await fc.assert(
        fc.asyncProperty(fc.nat(token.length - 1), character, edit, async (at, by, how) => {
          const changed =
            token.slice(0, at) + (how === 'remove' ? '' : by) + token.slice(how === 'insert' ? at : at + 1);
          fc.pre(changed !== token);
          expect(await verify(changed, issuer)).toEqual(BAD_TOKEN);
        }),
        { numRuns: 250 },
      );
    },
  );

  it.each(senders.map((sender) => [sender.algorithm, sender] as const))(
    'refuses every other last character of each part of a %s token, also those of the same bytes',
    async (_, sender) => {
      const token = await sender.sign();
      const ends = [token.indexOf('.') - 1, token.lastIndexOf('.') - 1, token.length - 1];
      for (const at of ends) {
        for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
          const changed = token.slice(0, at) + character + token.slice(at + 1);
          expect(await verify(changed, issuerOf(sender))).toEqual(
            changed === token ? expect.objectContaining({ ok: true }) : BAD_TOKEN,
          );
        }
      }
    },
  );

  it('refuses a good signature that is cut off or goes on', async () => {
    for (const sender of senders) {
      const token = await sender.sign();
      const at = token.lastIndexOf('.') + 1;
      const signature = Buffer.from(token.slice(at), 'base64url');
      for (const other of [
        signature.subarray(1),
        signature.subarray(0, -1),
        Buffer.concat([signature, Buffer.of(0)]),
      ]) {
        expect(await verify(token.slice(0, at) + other.toString('base64url'), issuerOf(sender))).toEqual(BAD_TOKEN);
      }
    }
  });

  it('answers the token of an unknown issuer as it answers a bad signature', async () => {
    for (const sender of senders) {
      const token = await sender.sign();
      expect(await verify(token)).toEqual(BAD_TOKEN);
      expect(await verify(token, issuerOf(sender, { issuer: 'https://other.example' }))).toEqual(BAD_TOKEN);
    }
  });

  it('refuses random signatures of every length without failing', async () => {
    const issuers = senders.map((sender) => issuerOf(sender));
    const algorithms = fc.constantFrom('RS256', 'ES256', 'EdDSA', 'HS256');
    await fc.assert(
      fc.asyncProperty(algorithms, fc.uint8Array({ minLength: 1, maxLength: 260 }), async (alg, signature) => {
        expect(await verify(compact({ alg }, goodClaims(), signature), ...issuers)).toEqual(BAD_TOKEN);
      }),
      { numRuns: 200 },
    );
    // r = s = 0 satisfies a careless ECDSA for every message and key.
    expect(await verify(compact({ alg: 'ES256' }, goodClaims(), new Uint8Array(64)), issuerOf(ec))).toEqual(BAD_TOKEN);
  });

  it('refuses anything that is no token, without failing', async () => {
    for (const text of ['', '.', '..', '...', 'a.b.c', 'e30.e30.', '\ud800.\ud800.\ud800', undefined, null, 7, {}]) {
      expect(await verify(text as string, issuerOf(rsa))).toEqual(BAD_TOKEN);
    }
  });

  it('reads 8192 characters and not one more', async () => {
    const issuer = issuerWith({ keys: [{ ...ed.publicJwk, kid: undefined }] });
    // No base64url text has a length of 4n + 1, hence the two parts that grow.
    const ofLength = async (length: number) => {
      for (let filler = 5_800; ; filler += 1) {
        for (const kid of ['a', 'ab', 'abc']) {
          const token = await ed.sign({ filler: 'x'.repeat(filler) }, { kid });
          if (token.length === length) return token;
        }
      }
    };
    expect(await verify(await ofLength(8192), issuer)).toMatchObject({ ok: true });
    expect(await verify(await ofLength(8193), issuer)).toEqual(BAD_TOKEN);
  });

  it('uses only the key that the token names, and one without a name for any', async () => {
    const { kid: _kid, ...nameless } = rsa.publicJwk;
    const token = await rsa.sign();
    const unnamed = await rsa.sign({}, { kid: undefined });
    const other = senderWith('RS256', 'rsa-2');
    expect(await verify(token, issuerOf(rsa, { keys: [other.publicJwk, rsa.publicJwk] }))).toMatchObject({ ok: true });
    expect(await verify(token, issuerOf(rsa, { keys: [{ ...rsa.publicJwk, kid: 'rsa-2' }] }))).toEqual(BAD_TOKEN);
    expect(await verify(token, issuerOf(rsa, { keys: [nameless as never] }))).toMatchObject({ ok: true });
    expect(await verify(unnamed, issuerOf(rsa, { keys: [other.publicJwk, rsa.publicJwk] }))).toMatchObject({
      ok: true,
    });
    expect(await verify(await rsa.sign({}, { kid: 'RSA-1' }), issuerOf(rsa))).toEqual(BAD_TOKEN);
  });

  it('tries eight keys at most for a token that names none', async () => {
    const unnamed = await ed.sign({}, { kid: undefined });
    const others = (count: number) => Array.from({ length: count }, (_, n) => senderWith('EdDSA', `k${n}`).publicJwk);
    expect(await verify(unnamed, issuerOf(ed, { keys: [...others(7), ed.publicJwk] }))).toMatchObject({ ok: true });
    expect(await verify(unnamed, issuerOf(ed, { keys: [...others(8), ed.publicJwk] }))).toEqual(BAD_TOKEN);
    expect(await verify(await ed.sign(), issuerOf(ed, { keys: [...others(8), ed.publicJwk] }))).toMatchObject({
      ok: true,
    });
  });

  it('refuses an issuer with no keys, with several sources of them, or with a short secret', async () => {
    expect(await verify(await rsa.sign(), issuerWith({}))).toEqual(BAD_TOKEN);
    expect(await verify(await rsa.sign(), issuerOf(rsa, { secret: SECRET }))).toEqual(BAD_TOKEN);
    const short = SECRET.subarray(1);
    expect(await verify(await senderWithSecret(short).sign(), issuerWith({ secret: short }))).toEqual(BAD_TOKEN);
  });

  it('fails on a clock or a tolerance that is no number of ms: a bug of the caller', async () => {
    for (const wrong of [{ nowMs: NaN }, { clockToleranceMs: -1 }, { clockToleranceMs: NaN }]) {
      await expect(verifyJwt('', [], noJwks, { ...REQUEST, ...wrong })).rejects.toThrow('whole ms');
    }
  });
});

describe('several issuers', () => {
  const first = senderWith('ES256', 'same-kid');
  const second = senderWith('ES256', 'same-kid');
  const tenantOne = issuerWith({ id: 'iss_1', tenantId: 'ten_1', keys: [first.publicJwk] });
  const tenantTwo = issuerWith({ id: 'iss_2', tenantId: 'ten_2', keys: [second.publicJwk] });
  const bothOrders = [
    [tenantOne, tenantTwo],
    [tenantTwo, tenantOne],
  ];

  it('are told apart by their keys where tenants use the same iss and kid, in either order', async () => {
    for (const issuers of bothOrders) {
      expect(await verify(await first.sign(), ...issuers)).toMatchObject({ issuerId: 'iss_1', tenantId: 'ten_1' });
      expect(await verify(await second.sign(), ...issuers)).toMatchObject({ issuerId: 'iss_2', tenantId: 'ten_2' });
    }
    expect(await verify(await first.sign(), tenantTwo)).toEqual(BAD_TOKEN);
    expect(await verify(await second.sign(), tenantOne)).toEqual(BAD_TOKEN);
  });

  it('give nobody the token that two tenants, or two bots, would accept', async () => {
    const copy = { ...tenantTwo, keys: tenantOne.keys };
    const bot = { ...tenantOne, id: 'iss_3', botId: 'bot_1' };
    for (const other of [copy, bot]) {
      for (const issuers of [
        [tenantOne, other],
        [other, tenantOne],
      ]) {
        expect(await verify(await first.sign(), ...issuers)).toEqual({ ok: false, reason: 'AMBIGUOUS_ISSUER' });
      }
    }
  });

  it('of one key are told apart by audience', async () => {
    const elsewhere = { ...tenantTwo, keys: tenantOne.keys, audience: 'elsewhere' };
    for (const issuers of [
      [tenantOne, elsewhere],
      [elsewhere, tenantOne],
    ]) {
      expect(await verify(await first.sign(), ...issuers)).toMatchObject({ ok: true, tenantId: 'ten_1' });
      expect(await verify(await first.sign({ aud: 'elsewhere' }), ...issuers)).toMatchObject({ tenantId: 'ten_2' });
      const expired = await first.sign({ exp: NOW - 10 });
      expect(await verify(expired, ...issuers)).toEqual({ ok: false, reason: 'EXPIRED' });
    }
  });

  it('are matched by the exact iss', async () => {
    const token = await first.sign({ iss: `${ISSUER}/` });
    expect(await verify(token, tenantOne)).toEqual(BAD_TOKEN);
    expect(await verify(await first.sign({ iss: undefined }), tenantOne)).toEqual(BAD_TOKEN);
    expect(await verify(await first.sign({ iss: [ISSUER] }), tenantOne)).toEqual(BAD_TOKEN);
  });

  it('do not keep each other from working while one cannot be read', async () => {
    const down: JwksSource = { keysAt: () => Promise.reject(new TransientError('down')) };
    const remote = { ...tenantTwo, keys: undefined, jwksUrl: 'https://keys.example/' };
    for (const issuers of [
      [tenantOne, remote],
      [remote, tenantOne],
    ]) {
      expect(await verifyJwt(await first.sign(), issuers, down, REQUEST)).toMatchObject({ issuerId: 'iss_1' });
      const expired = await first.sign({ exp: NOW - 10 });
      expect(await verifyJwt(expired, issuers, down, REQUEST)).toEqual({ ok: false, reason: 'EXPIRED' });
      await expect(verifyJwt(await second.sign(), issuers, down, REQUEST)).rejects.toThrow(TransientError);
    }
  });

  it('do not hide a bug behind a refusal', async () => {
    const remote = issuerWith({ jwksUrl: 'https://keys.example/' });
    await expect(verifyJwt(await first.sign(), [remote], noJwks, REQUEST)).rejects.toThrow('was asked for');
  });
});

describe('published keys', () => {
  const remote = issuerWith({ jwksUrl: 'https://keys.example/' });

  it('verify tokens of their own algorithm', async () => {
    const jwks = publishing(rsa.publicJwk, ec.publicJwk, ed.publicJwk);
    for (const sender of [rsa, ec, ed]) {
      expect(await verifyJwt(await sender.sign(), [remote], jwks, REQUEST)).toMatchObject({ ok: true });
    }
  });

  it('are not fetched for a token of HS256, of no algorithm, or of another issuer', async () => {
    const tokens = [
      await hmac.sign(),
      compact({ alg: 'none' }, goodClaims(), Buffer.of(0)),
      await rsa.sign({ iss: 'other' }),
    ];
    for (const token of tokens) expect(await verifyJwt(token, [remote], noJwks, REQUEST)).toEqual(BAD_TOKEN);
  });
});

describe('a token bound to its body', () => {
  const digest = createHash('sha256').update(REQUEST.body).digest();

  it('holds for these bytes alone, in either spelling of the digest', async () => {
    for (const body_sha256 of [digest.toString('hex'), digest.toString('base64url')]) {
      const token = await ec.sign({ body_sha256 });
      expect(await verify(token, issuerOf(ec))).toMatchObject({ ok: true, bodyBound: true });
      const other = { ...REQUEST, body: Buffer.from('{"action":"sell"}') };
      expect(await verifyJwt(token, [issuerOf(ec)], noJwks, other)).toEqual({ ok: false, reason: 'BODY_MISMATCH' });
    }
  });

  it('is named by what was signed, so that a rewritten ES256 signature is the same token', async () => {
    const token = await ec.sign({ body_sha256: digest.toString('hex') });
    const signature = Buffer.from(token.split('.')[2]!, 'base64url');
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const s = order - BigInt(`0x${signature.subarray(32).toString('hex')}`);
    const twin = Buffer.concat([signature.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex')]);
    const rewritten = `${token.slice(0, token.lastIndexOf('.'))}.${twin.toString('base64url')}`;
    const verdicts = [await verify(token, issuerOf(ec)), await verify(rewritten, issuerOf(ec))];
    expect(verdicts[0]).toMatchObject({ ok: true, singleUseId: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) });
    expect(verdicts[1]).toEqual(verdicts[0]);
    const another = await verify(await ec.sign({ body_sha256: digest.toString('hex'), jti: '2' }), issuerOf(ec));
    expect(another).not.toMatchObject({ singleUseId: (verdicts[0] as { singleUseId: string }).singleUseId });
  });
});
