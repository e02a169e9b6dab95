import { generateKeyPairSync } from 'node:crypto';
import type { JWK } from 'jose';
import { AUDIENCE, ISSUER, SECRET, senderWith } from '../../fixtures/jwt-sender.js';
import { checkIssuer, type IssuerRegistration } from '../index.js';

const NAMES = { issuer: ISSUER, audience: AUDIENCE };
const rsa = senderWith('RS256', 'rsa-1');
const check = (fields: object, rules = {}) => checkIssuer({ ...NAMES, ...fields } as IssuerRegistration, rules);
const found = (fields: object, rules = {}) => check(fields, rules).map(({ pointer, code }) => `${pointer} ${code}`);
const foundInKey = (jwk: unknown) => found({ keys: [jwk] });

describe('checkIssuer', () => {
  it('finds nothing wrong with a URL, with keys of every kind, or with a secret', () => {
    expect(check({ jwksUrl: 'https://id.example/.well-known/jwks.json' })).toEqual([]);
    const keys = [rsa, senderWith('ES256', 'ec-1'), senderWith('EdDSA')].map(({ publicJwk }) => publicJwk);
    expect(check({ keys })).toEqual([]);
    expect(
      check({ keys: [{ ...rsa.publicJwk, alg: 'RS256', use: 'sig', key_ops: ['verify'], x5t: 'ignored' }] }),
    ).toEqual([]);
    expect(check({ secret: SECRET, jwksUrl: null, keys: null })).toEqual([]);
  });

  it('wants exactly one source of keys', () => {
    expect(found({})).toEqual([' ONE_KEY_SOURCE']);
    expect(found({ keys: [rsa.publicJwk], secret: SECRET })).toEqual([' ONE_KEY_SOURCE']);
    expect(found({ jwksUrl: 'https://id.example/', keys: [rsa.publicJwk] })).toEqual([' ONE_KEY_SOURCE']);
  });

  it('wants an issuer and an audience, and names everything at once', () => {
    for (const name of ['', undefined, 7, ['x'], 'x'.repeat(513)]) {
      expect(found({ issuer: name, audience: name, secret: SECRET.subarray(1) })).toEqual([
        '/issuer INVALID_NAME',
        '/audience INVALID_NAME',
        '/secret SECRET_TOO_SHORT',
      ]);
    }
  });

  it('wants https, and http to this machine only where development allows it', () => {
    for (const host of ['localhost:3000', '127.0.0.1', '127.1.2.3:80', '[::1]:3000']) {
      expect(found({ jwksUrl: `http://${host}/keys` })).toEqual(['/jwksUrl HTTPS_REQUIRED']);
      expect(found({ jwksUrl: `http://${host}/keys` }, { allowLoopbackHttp: true })).toEqual([]);
    }
    for (const url of [
      'http://id.example/',
      'http://localhost.example/',
      'http://10.0.0.1/',
      'file:///etc/passwd',
      'data:,{}',
    ]) {
      expect(found({ jwksUrl: url }, { allowLoopbackHttp: true })).toEqual(['/jwksUrl HTTPS_REQUIRED']);
    }
  });

  it('refuses URLs that are none, or hold credentials or a fragment', () => {
    for (const jwksUrl of ['', 'keys.json', 7, {}, `https://id.example/${'x'.repeat(2048)}`]) {
      expect(found({ jwksUrl })).toEqual(['/jwksUrl INVALID_URL']);
    }
    expect(found({ jwksUrl: 'https://me:pw@id.example/#k' })).toEqual([
      '/jwksUrl URL_WITH_CREDENTIALS',
      '/jwksUrl URL_WITH_FRAGMENT',
    ]);
  });

  it('refuses secrets that are short, long, no bytes, or a key file', () => {
    expect(found({ secret: SECRET.subarray(0, 31) })).toEqual(['/secret SECRET_TOO_SHORT']);
    expect(found({ secret: new Uint8Array(1025) })).toEqual(['/secret SECRET_TOO_LONG']);
    expect(found({ secret: SECRET.toString() })).toEqual(['/secret INVALID_SECRET']);
    const pem = rsa.publicKey!.export({ type: 'spki', format: 'pem' });
    expect(found({ secret: Buffer.from(pem) })).toEqual(['/secret SECRET_IS_A_KEY_FILE']);
  });

  it('wants 1 to 20 keys with names of their own', () => {
    for (const keys of [[], 'x', {}, Array.from({ length: 21 }, () => rsa.publicJwk)]) {
      expect(found({ keys })).toEqual(['/keys INVALID_KEYS']);
    }
    expect(found({ keys: [rsa.publicJwk, senderWith('EdDSA', 'rsa-1').publicJwk] })).toEqual([
      '/keys/1/kid DUPLICATE_KID',
    ]);
  });
});

describe('a registered key', () => {
  it.each([
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ])('of %s is refused with its private half, every member of it named', (_, { privateKey, publicKey }) => {
    const jwk = privateKey.export({ format: 'jwk' });
    const secret = Object.keys(jwk).filter((member) => !(member in publicKey.export({ format: 'jwk' })));
    expect(secret).toContain('d');
    expect(foundInKey(jwk).sort()).toEqual(secret.map((member) => `/keys/0/${member} PRIVATE_KEY`).sort());
  });

  it('is refused if it is symmetric', () => {
    expect(foundInKey({ kty: 'oct', k: SECRET.toString('base64url') })).toEqual(['/keys/0/kty SYMMETRIC_KEY']);
    expect(foundInKey({ ...rsa.publicJwk, k: 'AAAA' })).toEqual(['/keys/0/k PRIVATE_KEY']);
  });

  it('of RSA needs 2048 to 8192 bits and an odd exponent of at least 3', () => {
    const modulus = (bytes: number) => Buffer.alloc(bytes, 0xff).toString('base64url');
    const short = generateKeyPairSync('rsa', { modulusLength: 2040 }).publicKey.export({ format: 'jwk' });
    expect(foundInKey(short)).toEqual(['/keys/0/n RSA_TOO_SHORT']);
    expect(foundInKey({ ...rsa.publicJwk, n: modulus(255) })).toEqual(['/keys/0/n RSA_TOO_SHORT']);
    expect(foundInKey({ ...rsa.publicJwk, n: modulus(256) })).toEqual([]);
    expect(foundInKey({ ...rsa.publicJwk, n: modulus(1024) })).toEqual([]);
    expect(foundInKey({ ...rsa.publicJwk, n: modulus(1025) })).toEqual(['/keys/0/n RSA_TOO_LONG']);
    for (const e of ['AQ', 'AA', 'Ag', 'BA', 'AQAAAAE']) {
      expect(foundInKey({ ...rsa.publicJwk, e })).toEqual(['/keys/0/e RSA_WEAK_EXPONENT']);
    }
    expect(foundInKey({ ...rsa.publicJwk, e: 'Aw' })).toEqual([]);
  });

  it('needs a curve that is known, and a point on it', () => {
    const ec = senderWith('ES256').publicJwk;
    for (const crv of ['P-384', 'P-521', 'secp256k1', undefined, 7]) {
      expect(foundInKey({ ...ec, crv })).toEqual(['/keys/0/crv UNSUPPORTED_CURVE']);
    }
    const x25519 = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });
    expect(foundInKey(x25519)).toEqual(['/keys/0/crv UNSUPPORTED_CURVE']);
    expect(foundInKey({ ...ec, y: ec.x })).toEqual(['/keys/0 INVALID_KEY']);
    expect(foundInKey({ ...ec, x: 'AA', y: 'AA' })).toEqual(['/keys/0 INVALID_KEY']);
    expect(foundInKey({ kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(31).toString('base64url') })).toEqual([
      '/keys/0 INVALID_KEY',
    ]);
  });

  it('has to be a JWK of a known type, meant for our signatures', () => {
    for (const jwk of [null, 'x', [], 7]) expect(foundInKey(jwk)).toEqual(['/keys/0 NOT_A_JWK']);
    for (const kty of ['AKP', undefined, 'rsa', '__proto__']) {
      expect(foundInKey({ ...rsa.publicJwk, kty })).toEqual(['/keys/0/kty UNSUPPORTED_KEY_TYPE']);
    }
    expect(foundInKey({ ...rsa.publicJwk, n: undefined })).toEqual(['/keys/0/n INVALID_KEY']);
    expect(foundInKey({ ...rsa.publicJwk, n: 'not base64url!' })).toEqual(['/keys/0/n INVALID_KEY']);
    const wrong = { use: 'enc', key_ops: ['sign'], alg: 'PS256', kid: '' } as Partial<JWK>;
    expect(foundInKey({ ...rsa.publicJwk, ...wrong })).toEqual([
      '/keys/0/use NOT_FOR_SIGNATURES',
      '/keys/0/key_ops NOT_FOR_SIGNATURES',
      '/keys/0/alg UNSUPPORTED_ALGORITHM',
      '/keys/0/kid INVALID_KID',
    ]);
  });
});
