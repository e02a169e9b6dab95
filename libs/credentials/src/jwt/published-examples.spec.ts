import { issuerWith, noJwks, REQUEST } from '../../fixtures/jwt-sender.js';
import { verifyJwt } from '../index.js';
import { signedByKey } from './check-signature.js';
import { readPublicJwk } from './public-key.js';

const JOE = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ';
const EXAMPLES = [
  {
    name: 'RFC 7515 A.1, HS256',
    header: 'eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9',
    signature: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
    issuer: {
      secret: Buffer.from(
        'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow',
        'base64url',
      ),
    },
  },
  {
    name: 'RFC 7515 A.2, RS256',
    header: 'eyJhbGciOiJSUzI1NiJ9',
    signature:
      'cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw',
    issuer: {
      keys: [
        {
          kty: 'RSA',
          n: 'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
          e: 'AQAB',
        },
      ],
    },
  },
  {
    name: 'RFC 7515 A.3, ES256',
    header: 'eyJhbGciOiJFUzI1NiJ9',
    signature: 'DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q',
    issuer: {
      keys: [
        {
          kty: 'EC',
          crv: 'P-256',
          x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
          y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
        },
      ],
    },
  },
];
const verify = (token: string, issuer: object) =>
  verifyJwt(token, [issuerWith({ issuer: 'joe', ...issuer })], noJwks, REQUEST);

describe('published examples of signatures', () => {
  // They carry no aud: naming that claim is what is said only of a token whose signature holds.
  it.each(EXAMPLES)('$name', async ({ header, signature, issuer }) => {
    expect(await verify(`${header}.${JOE}.${signature}`, issuer)).toEqual({
      ok: false,
      reason: 'BAD_CLAIM',
      claim: 'aud',
    });
    for (const other of EXAMPLES.filter((example) => example.signature !== signature)) {
      const exchanged = `${header}.${JOE}.${other.signature}`;
      expect(await verify(exchanged, issuer)).toEqual({ ok: false, reason: 'BAD_TOKEN' });
    }
  });

  it('RFC 7515 A.5, without a signature, is refused', async () => {
    for (const { issuer } of EXAMPLES) {
      for (const token of [
        `eyJhbGciOiJub25lIn0.${JOE}.`,
        `eyJhbGciOiJub25lIn0.${JOE}`,
        `eyJhbGciOiJub25lIn0.${JOE}.AA`,
      ]) {
        expect(await verify(token, issuer)).toEqual({ ok: false, reason: 'BAD_TOKEN' });
      }
    }
  });

  it('RFC 8037 A.4, Ed25519', () => {
    const reading = readPublicJwk({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' });
    if (!reading.ok) throw new Error('the key of the example was refused');
    // Its payload is a sentence, not claims, and so the signature alone is verified.
    const token = (input: string) => ({
      algorithm: 'EdDSA' as const,
      claims: {},
      signingInput: Buffer.from(input),
      signature: Buffer.from(
        'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
        'base64url',
      ),
    });
    const input = 'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc';
    expect(signedByKey(token(input), reading.key)).toBe(true);
    expect(signedByKey(token(`${input}g`), reading.key)).toBe(false);
  });
});
