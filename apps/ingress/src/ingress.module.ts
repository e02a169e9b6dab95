import { Module, type DynamicModule } from '@nestjs/common';
import { ConfigError } from '@tickwire/config';
import { JwksCache, parseSealingKeys, SecretBox } from '@tickwire/credentials';
import type { CallbackClient } from '@tickwire/delivery';
import { Directory } from '@tickwire/directory';
import type { AppHost } from '@tickwire/runtime';
import type { Redis } from 'ioredis';
import { Admission } from './admission/admission.js';
import { openRateLimiter } from './admission/open-rate-limiter.js';
import { RequestLimits } from './admission/request-limits.js';
import { AlertIntake } from './alerts/alert-intake.js';
import { AlertsController } from './alerts/alerts.controller.js';
import type { ClaimStore } from './claims/claim-store.js';
import { ConfigChangedConsumer } from './configuration/config-changed.consumer.js';
import type { IngressConfig } from './ingress.config.js';
import { IngressMetrics } from './metrics/ingress-metrics.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { ApiKeyScheme } from './schemes/api-key.js';
import { BodyHex } from './schemes/body-hex.js';
import { jwksFetch } from './schemes/jwks-fetch.js';
import { JwtScheme } from './schemes/jwt.js';
import { MAX_TOLERANCE_MS } from './schemes/scheme-policy.js';
import type { Scheme } from './schemes/scheme.js';
import { StandardWebhooks } from './schemes/standard-webhooks.js';
import { TenantSecrets } from './schemes/tenant-secrets.js';
import { TimestampedHex } from './schemes/timestamped-hex.js';
import { Answers } from './signals/answers.js';
import { AppendGate } from './signals/append-gate.js';
import { BatchIntake } from './signals/batch-intake.js';
import { SignalAcceptance, type ClaimLife } from './signals/signal-acceptance.js';
import { SignalIntake } from './signals/signal-intake.js';
import { SignalsController } from './signals/signals.controller.js';
import { Suspicions } from './suspicion/suspicions.js';

/** What has to be open before the module is built. */
export interface IngressParts {
  host: AppHost;
  claims: ClaimStore;
  /** Where claims and limits are shared by replicas. */
  redis?: Redis;
  /** Fetches the key sets of tenants' JWT issuers. */
  jwks: CallbackClient;
  metrics: IngressMetrics;
}

@Module({})
export class IngressModule {
  /** @throws ConfigError for keys that cannot be read */
  static of(config: IngressConfig, parts: IngressParts): DynamicModule {
    const { host, claims, redis, metrics } = parts;
    const { log, logger } = host;
    const now = (): number => host.now();
    const directory = new Directory(host.pool, log.partitionCount);
    const suspicions = new Suspicions({ directory, log, logger });
    const admission = new Admission({ schemes: schemesOf(config, parts, directory), directory, suspicions });
    const limits = new RequestLimits(openRateLimiter(redis, { replicas: config.EXPECTED_REPLICAS, metrics, logger }));
    const claimLife = claimLifeOf(config);
    const acceptance = new SignalAcceptance({
      claims,
      log,
      gate: new AppendGate(config.MAX_WAITING_APPENDS),
      metrics,
      suspicions,
      logger,
      statusUrls: {
        apiUrl: config.API_PUBLIC_URL.replace(/\/+$/, ''),
        tokenKey: Buffer.from(config.STATUS_TOKEN_KEY, 'utf8'),
      },
      claimLife,
    });
    const intake = new SignalIntake({ admission, limits, acceptance, directory, now });
    const batches = new BatchIntake({ admission, limits, intake, claims, claimLife, now });
    const pepper = Buffer.from(config.API_KEY_PEPPER, 'utf8');
    const alerts = new AlertIntake({ admission, limits, acceptance, directory, pepper, now });
    return {
      module: IngressModule,
      controllers: [SignalsController, AlertsController, OpenApiController, ConfigChangedConsumer],
      providers: [
        { provide: SignalIntake, useValue: intake },
        { provide: BatchIntake, useValue: batches },
        { provide: AlertIntake, useValue: alerts },
        { provide: Answers, useValue: new Answers(metrics) },
        { provide: Directory, useValue: directory },
      ],
    };
  }
}

function claimLifeOf(config: IngressConfig): ClaimLife {
  const widestMs = Math.max(config.SIGNATURE_TOLERANCE_MS, MAX_TOLERANCE_MS);
  return {
    leaseMs: config.CLAIM_LEASE_MS,
    // A signature is good from one tolerance before its time to one after it; never shorter than an equal body.
    pendingMs: Math.max(2 * widestMs, config.EQUAL_BODY_MS),
    doneMs: config.ANSWER_KEPT_MS,
    drawnMs: config.EQUAL_BODY_MS,
  };
}

/** The ways to prove a sender that this door knows, besides alert URLs. */
function schemesOf(config: IngressConfig, { host, jwks }: IngressParts, directory: Directory): Scheme[] {
  // A directory that never hears of changes believes none of its entries: it reads the database each time.
  const confirmed = new Directory(host.pool, host.log.partitionCount);
  const box = secretBox(config.SECRETS_KEYS);
  const secrets = new TenantSecrets(directory, confirmed, box, (secretId, error) =>
    host.logger.error({ secretId, err: error }, 'a signing secret cannot be opened'),
  );
  const tenantOf = {
    secret: (id: string) => directory.tenantOfSigningSecret(id),
    bot: async (id: string) => (await directory.bot(id))?.tenantId,
  };
  const keySets = new JwksCache(jwksFetch(jwks), {
    onFailure: (url, error) =>
      host.logger.warn({ host: new URL(url).host, err: error }, 'the keys of a JWT issuer cannot be fetched'),
  });
  const openSecret = ({ id, sealedSecret }: { id: string; sealedSecret: string }): Uint8Array | undefined => {
    try {
      return Buffer.from(box.open(sealedSecret, [id]), 'utf8');
    } catch (error) {
      host.logger.error({ issuerId: id, err: error }, 'the secret of a JWT issuer cannot be opened');
      return undefined;
    }
  };
  return [
    new StandardWebhooks(secrets, config.SIGNATURE_TOLERANCE_MS),
    new TimestampedHex(secrets, { tenantOf }),
    new BodyHex(secrets),
    new ApiKeyScheme(directory, Buffer.from(config.API_KEY_PEPPER, 'utf8')),
    new JwtScheme(directory, openSecret, keySets),
  ];
}

function secretBox(keys: string): SecretBox {
  try {
    return new SecretBox(parseSealingKeys(keys));
  } catch (error) {
    throw new ConfigError([{ name: 'SECRETS_KEYS', wanted: [(error as Error).message] }]);
  }
}
