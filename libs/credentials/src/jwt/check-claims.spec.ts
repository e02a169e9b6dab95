import { createHash } from 'node:crypto';
import { AUDIENCE, goodClaims, NOW, NOW_MS } from '../../fixtures/jwt-sender.js';
import { checkClaims, MAX_LIFETIME_SECONDS } from './check-claims.js';

const TOLERANCE_MS = 5_000;
const body = Buffer.from('{"action":"buy"}');
const check = (claims: Record<string, unknown>, nowMs = NOW_MS, clockToleranceMs = TOLERANCE_MS) =>
  checkClaims({ ...goodClaims(), ...claims }, { audience: AUDIENCE, nowMs, clockToleranceMs, body });
const reasonOf = (...args: Parameters<typeof check>) => {
  const verdict = check(...args);
  return verdict.ok ? 'ok' : verdict.reason;
};

describe('required claims', () => {
  it.each(['aud', 'sub', 'iat', 'exp'] as const)('refuses a token without %s', (claim) => {
    expect(check({ [claim]: undefined })).toEqual({ ok: false, reason: 'BAD_CLAIM', claim });
    expect(check({ [claim]: null })).toEqual({ ok: false, reason: 'BAD_CLAIM', claim });
  });

  it.each([
    ['aud', [7, {}, [], [7], [AUDIENCE, null]]],
    ['sub', ['', 7, ['bot'], 'x'.repeat(256)]],
    ['iat', [`${NOW}`, -1, Infinity, NaN, true, 253_402_300_800]],
    ['exp', [`${NOW}`, -1, Infinity, NaN, NOW_MS, NOW - 60, [NOW + 60]]],
    ['nbf', [`${NOW}`, null, -1, Infinity]],
    ['jti', ['', 7, null, 'x'.repeat(256)]],
    ['body_sha256', ['', null, 7, 'a'.repeat(43), 'A'.repeat(64), `${'a'.repeat(64)}\n`, 'a'.repeat(63)]],
  ] as const)('refuses %s of another type or out of bounds', (claim, values) => {
    for (const value of values) expect(check({ [claim]: value })).toEqual({ ok: false, reason: 'BAD_CLAIM', claim });
  });

  it('reads 1e999, which JSON allows, as no time at all', () => {
    expect(check(JSON.parse('{"exp":1e999}') as object as Record<string, unknown>)).toMatchObject({ claim: 'exp' });
  });

  it('takes the audience alone or in a list, compared exactly', () => {
    expect(reasonOf({ aud: AUDIENCE })).toBe('ok');
    expect(reasonOf({ aud: ['elsewhere', AUDIENCE] })).toBe('ok');
    for (const aud of ['', 'elsewhere', `${AUDIENCE} `, AUDIENCE.toUpperCase(), ['elsewhere'], [`${AUDIENCE}/`]]) {
      expect(reasonOf({ aud })).toBe('BAD_AUDIENCE');
    }
  });
});

describe('times', () => {
  const expiresMs = (NOW + 600) * 1000;

  it('holds until exp and the tolerance, and not at that instant', () => {
    expect(reasonOf({}, expiresMs + TOLERANCE_MS - 1)).toBe('ok');
    expect(reasonOf({}, expiresMs + TOLERANCE_MS)).toBe('EXPIRED');
    expect(reasonOf({}, expiresMs - 1, 0)).toBe('ok');
    expect(reasonOf({}, expiresMs, 0)).toBe('EXPIRED');
  });

  it('tells when the token expires by its own clock, rounding fractions down', () => {
    expect(check({})).toMatchObject({ expiresAtMs: expiresMs });
    expect(check({ exp: NOW + 1.0019 })).toMatchObject({ expiresAtMs: NOW_MS + 1001 });
  });

  it.each(['iat', 'nbf'])('holds from %s less the tolerance', (claim) => {
    const claims = { iat: NOW - 60, [claim]: NOW + 10 };
    expect(reasonOf(claims, NOW_MS + 10_000 - TOLERANCE_MS)).toBe('ok');
    expect(reasonOf(claims, NOW_MS + 10_000 - TOLERANCE_MS - 1)).toBe('NOT_YET_VALID');
    expect(reasonOf(claims, NOW_MS + 10_000, 0)).toBe('ok');
    expect(reasonOf(claims, NOW_MS + 9_999, 0)).toBe('NOT_YET_VALID');
  });

  it('lives for 24 hours at most, whatever the tolerance', () => {
    expect(reasonOf({ iat: NOW, exp: NOW + MAX_LIFETIME_SECONDS })).toBe('ok');
    expect(reasonOf({ iat: NOW, exp: NOW + MAX_LIFETIME_SECONDS + 0.001 })).toBe('LIFETIME_TOO_LONG');
    expect(reasonOf({ iat: NOW, exp: NOW + MAX_LIFETIME_SECONDS + 1 }, NOW_MS, 3_600_000)).toBe('LIFETIME_TOO_LONG');
    expect(reasonOf({ iat: 0 })).toBe('LIFETIME_TOO_LONG');
    expect(check({ iat: NOW, exp: NOW })).toMatchObject({ reason: 'BAD_CLAIM', claim: 'exp' });
  });
});

describe('body_sha256', () => {
  const digest = createHash('sha256').update(body).digest();

  it('binds the token to the digest of the raw body', () => {
    expect(check({})).toMatchObject({ ok: true, bodyBound: false });
    expect(check({ body_sha256: digest.toString('hex') })).toMatchObject({ ok: true, bodyBound: true });
    expect(check({ body_sha256: digest.toString('base64url') })).toMatchObject({ ok: true, bodyBound: true });
    expect(reasonOf({ body_sha256: '0'.repeat(64) })).toBe('BODY_MISMATCH');
    expect(reasonOf({ body_sha256: createHash('sha256').update('').digest('hex') })).toBe('BODY_MISMATCH');
  });

  it('refuses other spellings of the right digest', () => {
    for (const spelling of [
      digest.toString('hex').toUpperCase(),
      digest.toString('base64'),
      `sha256=${digest.toString('hex')}`,
    ]) {
      expect(reasonOf({ body_sha256: spelling })).toBe('BAD_CLAIM');
    }
  });
});
