import { Description, Secret } from '@tickwire/config';
import { HostConfig } from '@tickwire/runtime';
import { IsArray, IsBoolean, IsIn, IsInt, IsOptional, IsString, IsUrl, Max, Min, MinLength } from 'class-validator';
import { CLAIM_LEASE_MS as LONGEST_LEASE_MS } from './claims/claim-store.js';

/** What the door reads from its environment. */
export class IngressConfig extends HostConfig {
  @Description('Port of the public routes; 0 for a free one')
  @IsInt()
  @Min(0)
  @Max(65_535)
  PORT: number = 3_000;

  @Description('Address to listen on')
  @IsString()
  HOST: string = '0.0.0.0';

  @Description('Whose X-Forwarded-For is believed: addresses or networks, comma-separated')
  @IsArray()
  @IsString({ each: true })
  TRUST_PROXY: string[] = [];

  @Description('Where senders reach api, absolute: the statusUrl of a signal begins with it')
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] })
  API_PUBLIC_URL!: string;

  @Description('Where claims of nonces are kept: redis, or memory (for a single process of this app)')
  @IsIn(['redis', 'memory'])
  CLAIM_STORE: string = 'redis';

  @Secret()
  @Description('redis://[user:password@]host:port; required with CLAIM_STORE=redis')
  @IsOptional()
  @IsString()
  REDIS_URL?: string;

  @Description('How long a claim waits for the answer of Redis, ms')
  @IsInt()
  @Min(50)
  @Max(10_000)
  REDIS_TIMEOUT_MS: number = 1_000;

  @Description('How long a request without an answer keeps its claim before a retry takes it over, ms')
  @IsInt()
  @Min(500)
  @Max(LONGEST_LEASE_MS)
  CLAIM_LEASE_MS: number = LONGEST_LEASE_MS;

  @Description('Accepted difference of clocks in a signed request, ms')
  @IsInt()
  @Min(1_000)
  @Max(3_600_000)
  SIGNATURE_TOLERANCE_MS: number = 300_000;

  @Description('How long an answer is repeated to the same request, ms')
  @IsInt()
  @Min(86_400_000)
  @Max(30 * 86_400_000)
  ANSWER_KEPT_MS: number = 86_400_000;

  @Description('How long an equal body without nonce and signalId is the same signal, ms')
  @IsInt()
  @Min(LONGEST_LEASE_MS + 1_000)
  @Max(3_600_000)
  EQUAL_BODY_MS: number = 60_000;

  @Description('Connections at most; further ones are closed at once')
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  MAX_CONNECTIONS: number = 10_000;

  @Description('Appends that may wait for the log; beyond it requests are refused with 503')
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  MAX_WAITING_APPENDS: number = 2_000;

  @Description('How many replicas of this app there are: while Redis is away each holds its share of the limits')
  @IsInt()
  @Min(1)
  @Max(1_000)
  EXPECTED_REPLICAS: number = 1;

  @Description('Networks that JWKS URLs may name although they are not public, for development')
  @IsOptional()
  @IsString()
  CALLBACK_ALLOW_CIDRS?: string;

  @Description('Whether JWKS URLs may be plain http')
  @IsBoolean()
  CALLBACK_ALLOW_HTTP: boolean = false;

  @Secret()
  @Description('Keys of secrets at rest: <id>:<base64 of 32 bytes>, comma-separated; the same in every app')
  @IsString()
  SECRETS_KEYS!: string;

  @Secret()
  @Description('Pepper of the hashes of API keys, at least 16 characters; the same in every app')
  @IsString()
  @MinLength(16)
  API_KEY_PEPPER!: string;

  @Secret()
  @Description('Key of the tokens in statusUrls, at least 32 characters; the same in ingress and api')
  @IsString()
  @MinLength(32)
  STATUS_TOKEN_KEY!: string;
}
