import type { SecurityScheme } from './openapi-types.js';

/** The ways to prove a sender by headers. An alert's address is the sixth: a credential in the path. */
export const SECURITY_SCHEMES = {
  standardWebhooks: {
    type: 'apiKey',
    in: 'header',
    name: 'webhook-signature',
    description:
      'Standard Webhooks. `v1,` and the base64 of HMAC-SHA256 over `{webhook-id}.{webhook-timestamp}.{body}`: the two ' +
      'headers as they are sent, a point behind each, and the bytes of the body. The key is the base64 behind `whsec_` of ' +
      'a signing secret, decoded. `webhook-id` is the nonce. `webhook-timestamp` is unix seconds and may differ from the ' +
      "door's clock by 300 s. Several signatures may stand in the header, separated by blanks: one has to hold.",
  },
  timestampedHex: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Signature',
    description:
      '`sha256=` and the lower case hex (or the bare hex) of HMAC-SHA256 over `{X-Timestamp}.{body}`: the header as it is ' +
      "sent, a point, the bytes of the body. The key is the signing secret's text in UTF-8, `whsec_` and all. `X-Timestamp` " +
      'may differ by 60 s, or what the tenant has set. There is no nonce: the body needs a `signalId`.',
  },
  bodyHex: {
    type: 'apiKey',
    in: 'header',
    name: 'X-Webhook-Signature',
    description:
      "`sha256=` and the lower case hex of HMAC-SHA256 over the bytes of the body. The key is the signing secret's text in " +
      'UTF-8. The time is the `timestamp` in the body, without which the request is refused, and may differ by 300 s. There ' +
      'is no nonce: the body needs a `signalId`.',
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description:
      'An API key of the scope `signals:write`: `tw_live_…` or `tw_test_…`. The nonce is `Idempotency-Key`, if sent.',
  },
  apiKeyBearer: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'tw_live_… or tw_test_…',
    description: 'The same API key, as `Authorization: Bearer`.',
  },
  jwt: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description:
      'A token of an issuer that the tenant has registered: RS256, ES256 or EdDSA by its public keys, HS256 by its secret. ' +
      '`iss`, `aud`, `sub`, `iat` and `exp` are required, and it lives for 24 h at most. It may be used until `exp`; ' +
      'with `body_sha256`, the hex SHA-256 of the body, it is good for this body and once. The nonce is `Idempotency-Key`.',
  },
} as const satisfies Record<string, SecurityScheme>;

/** One of them, never two: a request with two credentials is refused. */
export const ANY_SCHEME = Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] as string[] }));
