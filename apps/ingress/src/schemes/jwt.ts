import type { IncomingHttpHeaders } from 'node:http';
import { peekIssuer, verifyJwt, type JwksSource, type JwtIssuer } from '@tickwire/credentials';
import type { JwtIssuerEntry } from '@tickwire/directory';
import { idempotencyKey } from './idempotency-key.js';
import { notAuthenticated, type Proven, type Scheme, type UnprovenRequest } from './scheme.js';

/** Any bearer that is none of our own keys. */
const BEARER_TOKEN = /^bearer +(?!tw_)(\S+)$/i;
/** Between an issuer's clock and ours. */
const CLOCK_TOLERANCE_MS = 5_000;

export interface JwtIssuerRows {
  jwtIssuers(tenantId: string): Promise<JwtIssuerEntry[]>;
}

/** @returns the HS256 secret of an issuer, undefined where it cannot be opened */
export type OpenIssuerSecret = (entry: JwtIssuerEntry & { sealedSecret: string }) => Uint8Array | undefined;

/**
 * A JWT as `Authorization: Bearer`, by one of the issuers that the tenant which the body names has registered. The
 * nonce is `Idempotency-Key`, where there is one; a token that is bound to its body is its own.
 */
export class JwtScheme implements Scheme {
  readonly name = 'jwt';

  constructor(
    private readonly rows: JwtIssuerRows,
    private readonly openSecret: OpenIssuerSecret,
    private readonly jwks: JwksSource,
  ) {}

  credentials(headers: IncomingHttpHeaders): string[] {
    return BEARER_TOKEN.test(headers.authorization ?? '') ? ['authorization'] : [];
  }

  async prove({ headers, body, claims, nowMs }: UnprovenRequest): Promise<Proven> {
    const token = BEARER_TOKEN.exec(headers.authorization ?? '')?.[1] ?? '';
    const issuer = peekIssuer(token);
    const entries = claims.tenantId === undefined ? [] : await this.rows.jwtIssuers(claims.tenantId);
    const candidates = entries.filter((entry) => entry.issuer === issuer).flatMap((entry) => this.#issuer(entry));
    // Without candidates, too: it takes its time all the same.
    const verdict = await verifyJwt(token, candidates, this.jwks, {
      nowMs,
      clockToleranceMs: CLOCK_TOLERANCE_MS,
      body,
    });
    if (!verdict.ok) throw notAuthenticated();
    const nonce = verdict.singleUseId ?? idempotencyKey(headers);
    return {
      scheme: this.name,
      tenantId: verdict.tenantId,
      ...(verdict.botId === null ? {} : { botId: verdict.botId }),
      ...(nonce === undefined ? {} : { nonce }),
    };
  }

  #issuer(entry: JwtIssuerEntry): JwtIssuer[] {
    const { id, tenantId, botId, issuer, audience, jwksUrl, keys, sealedSecret } = entry;
    const base = { id, tenantId, botId, issuer, audience };
    if (jwksUrl !== null) return [{ ...base, jwksUrl }];
    if (keys !== null) return [{ ...base, keys: keys as JwtIssuer['keys'] }];
    const secret = sealedSecret === null ? undefined : this.openSecret({ ...entry, sealedSecret });
    return secret === undefined ? [] : [{ ...base, secret }];
  }
}
