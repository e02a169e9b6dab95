import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { exportJWK, SignJWT } from 'jose';
import {
  compact,
  goodClaims,
  ISSUER,
  issuerWith,
  noJwks,
  REQUEST,
  SECRET,
  senderWith,
  senderWithSecret,
} from '../../fixtures/jwt-sender.js';
import { type JwtIssuer, type PublicKeyAlgorithm, verifyJwt } from '../index.js';

const BAD_TOKEN = { ok: false, reason: 'BAD_TOKEN' };
const algorithms: PublicKeyAlgorithm[] = ['RS256', 'ES256', 'EdDSA'];
const rsa = senderWith('RS256', 'k1');
const attacker = senderWith('RS256', 'k1');
const verify = (token: string, issuer: JwtIssuer) => verifyJwt(token, [issuer], noJwks, REQUEST);
const rsaIssuer = issuerWith({ keys: [rsa.publicJwk] });

/** Signs with an HMAC whatever the key is; jose would not. */
function macToken(header: Record<string, unknown>, key: string | Buffer): string {
  const token = compact(header, goodClaims(), Buffer.of(0));
  const input = token.slice(0, token.lastIndexOf('.'));
  return `${input}.${createHmac('sha256', key).update(input).digest('base64url')}`;
}

describe('a public key is no secret', () => {
  it.each(algorithms)(
    'in none of the forms of a %s key, under none of the names of an algorithm',
    async (algorithm) => {
      const { publicKey, publicJwk } = senderWith(algorithm, 'k1');
      const pem = publicKey!.export({ type: 'spki', format: 'pem' }) as string;
      const forms = [
        pem,
        pem.trim(),
        `${pem.trim()}\r\n`,
        publicKey!.export({ type: 'spki', format: 'der' }),
        JSON.stringify(publicJwk),
        JSON.stringify(publicKey!.export({ format: 'jwk' })),
        String(publicJwk.n ?? publicJwk.x),
        Buffer.from(String(publicJwk.n ?? publicJwk.x), 'base64url'),
        // What is signed where the secret of an issuer without one is read as empty.
        '',
      ];
      for (const form of forms) {
        for (const alg of ['HS256', algorithm]) {
          for (const kid of ['k1', undefined]) {
            expect(await verify(macToken({ alg, kid }, form), issuerWith({ keys: [publicJwk] }))).toEqual(BAD_TOKEN);
          }
        }
      }
    },
  );
});

describe('the issuer, not the token, chooses the algorithm', () => {
  it('accepts a token of no other kind of key', async () => {
    const senders = [...algorithms.map((algorithm) => senderWith(algorithm)), senderWithSecret(SECRET)];
    for (const theirs of senders) {
      const own = theirs.algorithm === 'HS256' ? { secret: SECRET } : { keys: [theirs.publicJwk] };
      for (const sender of senders) {
        const verdict = await verify(await sender.sign(), issuerWith(own));
        expect([theirs.algorithm, sender.algorithm, verdict.ok]).toEqual([
          theirs.algorithm,
          sender.algorithm,
          sender === theirs,
        ]);
      }
    }
  });

  it('refuses a good signature under another name, also where the key would verify it', async () => {
    for (const alg of [
      'none',
      'None',
      'NONE',
      '',
      'rs256',
      'RS256 ',
      'RS384',
      'RS512',
      'PS256',
      'HS256',
      'ES256',
      'EdDSA',
      'RSA-OAEP',
      null,
      1,
      ['RS256'],
      undefined,
    ]) {
      const token = compact({ alg, kid: 'k1' }, goodClaims(), Buffer.of(0));
      const input = token.slice(0, token.lastIndexOf('.'));
      const signature = sign('sha256', Buffer.from(input), rsa.privateKey as never);
      expect(await verify(`${input}.${signature.toString('base64url')}`, rsaIssuer)).toEqual(BAD_TOKEN);
    }
  });

  it.each(['RS384', 'RS512', 'PS256'])('refuses %s, although the key is the right one', async (alg) => {
    const token = await new SignJWT(goodClaims()).setProtectedHeader({ alg, kid: 'k1' }).sign(rsa.privateKey);
    expect(await verify(token, rsaIssuer)).toEqual(BAD_TOKEN);
  });

  it.each(['HS384', 'HS512'])('refuses %s, although the secret is the right one', async (alg) => {
    const secret = Buffer.alloc(64, 7);
    const token = await new SignJWT(goodClaims()).setProtectedHeader({ alg }).sign(secret);
    expect(await verify(token, issuerWith({ secret }))).toEqual(BAD_TOKEN);
  });

  it('refuses a P-384 signature and an ES256 signature in DER', async () => {
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const token = await new SignJWT(goodClaims()).setProtectedHeader({ alg: 'ES384' }).sign(p384.privateKey);
    expect(await verify(token, issuerWith({ keys: [await exportJWK(p384.publicKey)] }))).toEqual(BAD_TOKEN);

    const ec = senderWith('ES256');
    const good = await ec.sign();
    const input = good.slice(0, good.lastIndexOf('.'));
    const der = sign('sha256', Buffer.from(input), ec.privateKey as never).toString('base64url');
    expect(await verify(`${input}.${der}`, issuerWith({ keys: [ec.publicJwk] }))).toEqual(BAD_TOKEN);
  });

  it('does not believe a registered key that fits none of its rules', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 });
    const token = compact({ alg: 'RS256' }, goodClaims(), Buffer.of(0));
    const input = token.slice(0, token.lastIndexOf('.'));
    const signed = `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
    expect(await verify(signed, issuerWith({ keys: [await exportJWK(publicKey)] }))).toEqual(BAD_TOKEN);
    const forEncryption = { ...rsa.publicJwk, use: 'enc' };
    expect(await verify(await rsa.sign(), issuerWith({ keys: [forEncryption] }))).toEqual(BAD_TOKEN);
  });
});

describe('a key that comes with the token', () => {
  it('is not used, wherever it stands', async () => {
    for (const header of [
      { jwk: attacker.publicJwk },
      { jku: 'https://attacker.example/keys' },
      { x5u: 'https://attacker.example/chain' },
      { x5c: ['MIIB'] },
      { jwk: attacker.publicJwk, jku: 'https://attacker.example/keys', kid: undefined },
    ]) {
      expect(await verify(await attacker.sign({}, header), rsaIssuer)).toEqual(BAD_TOKEN);
      // Nor does it harm a token that the issuer signed.
      expect(await verify(await rsa.sign({}, header), rsaIssuer)).toMatchObject({ ok: true });
    }
  });

  it('is not reached through its kid', async () => {
    for (const kid of [
      '../../../../dev/null',
      "k1' OR '1'='1",
      'https://attacker.example/keys',
      '__proto__',
      'k1\u0000',
      'k1 ',
      'K1',
    ]) {
      expect(await verify(await rsa.sign({}, { kid }), rsaIssuer)).toEqual(BAD_TOKEN);
      expect(await verify(macToken({ alg: 'HS256', kid }, ''), rsaIssuer)).toEqual(BAD_TOKEN);
    }
    for (const kid of ['', 'k'.repeat(257), 1, null, ['k1'], { k1: true }]) {
      const token = compact({ alg: 'RS256', kid }, goodClaims(), Buffer.of(0));
      const input = token.slice(0, token.lastIndexOf('.'));
      const signed = `${input}.${sign('sha256', Buffer.from(input), rsa.privateKey as never).toString('base64url')}`;
      expect(await verify(signed, rsaIssuer)).toEqual(BAD_TOKEN);
    }
  });
});

describe('the rest of the header', () => {
  const signedWith = (header: Record<string, unknown>) => {
    const token = compact({ alg: 'RS256', kid: 'k1', ...header }, goodClaims(), Buffer.of(0));
    const input = token.slice(0, token.lastIndexOf('.'));
    return `${input}.${sign('sha256', Buffer.from(input), rsa.privateKey as never).toString('base64url')}`;
  };

  it('may not ask for extensions, known to others or not', async () => {
    for (const header of [
      { crit: ['b64'], b64: false },
      { crit: ['b64'], b64: true },
      { b64: false },
      { crit: [] },
      { crit: ['exp'], exp: 1 },
      { crit: null },
      { crit: 'x' },
    ]) {
      expect(await verify(signedWith(header), rsaIssuer)).toEqual(BAD_TOKEN);
    }
  });

  it('may call the token a JWT or an access token, and nothing else', async () => {
    for (const typ of ['JWT', 'jwt', 'at+jwt', 'application/at+jwt']) {
      expect(await verify(signedWith({ typ }), rsaIssuer)).toMatchObject({ ok: true });
    }
    for (const typ of ['logout+jwt', 'dpop+jwt', 'secevent+jwt', '', 7, null]) {
      expect(await verify(signedWith({ typ }), rsaIssuer)).toEqual(BAD_TOKEN);
    }
  });

  it('and the payload have to be JSON objects in UTF-8', async () => {
    const part = (value: string | Buffer) => Buffer.from(value as string).toString('base64url');
    const good = JSON.stringify({ alg: 'RS256', kid: 'k1' });
    const claims = JSON.stringify(goodClaims());
    const broken = claims.replace(ISSUER, `${ISSUER}\u00e9`);
    const parts: [string | Buffer, string | Buffer][] = [
      [good, '[]'],
      [good, 'null'],
      [good, '"text"'],
      [good, `\ufeff${claims}`],
      [good, `${claims}{}`],
      [good, Buffer.from(broken, 'latin1')],
      ['[]', claims],
      [`${good} x`, claims],
    ];
    for (const [header, payload] of parts) {
      const input = `${part(header)}.${part(payload)}`;
      const signature = sign('sha256', Buffer.from(input), rsa.privateKey as never).toString('base64url');
      expect(await verify(`${input}.${signature}`, rsaIssuer)).toEqual(BAD_TOKEN);
    }
  });
});
