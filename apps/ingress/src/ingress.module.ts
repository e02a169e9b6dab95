import { Module, type DynamicModule } from '@nestjs/common';
import { parseSealingKeys, SecretBox } from '@tickwire/credentials';
import { ConfigError } from '@tickwire/config';
import { Directory } from '@tickwire/directory';
import type { AppHost } from '@tickwire/runtime';
import type { ClaimStore } from './claims/claim-store.js';
import { ConfigChangedConsumer } from './configuration/config-changed.consumer.js';
import type { IngressConfig } from './ingress.config.js';
import { IngressMetrics } from './metrics/ingress-metrics.js';
import { ApiKeyScheme } from './schemes/api-key.js';
import type { Scheme } from './schemes/scheme.js';
import { StandardWebhooks } from './schemes/standard-webhooks.js';
import { TenantSecrets } from './schemes/tenant-secrets.js';
import { AppendGate } from './signals/append-gate.js';
import { SignalIntake } from './signals/signal-intake.js';
import { SignalsController } from './signals/signals.controller.js';

/** What has to be open before the module is built. */
export interface IngressParts {
  host: AppHost;
  claims: ClaimStore;
  metrics: IngressMetrics;
}

@Module({})
export class IngressModule {
  /** @throws ConfigError for keys that cannot be read */
  static of(config: IngressConfig, { host, claims, metrics }: IngressParts): DynamicModule {
    const directory = new Directory(host.pool, host.log.partitionCount);
    const intake = new SignalIntake({
      schemes: schemesOf(config, host, directory),
      directory,
      claims,
      log: host.log,
      gate: new AppendGate(config.MAX_WAITING_APPENDS),
      metrics,
      logger: host.logger,
      statusUrls: {
        apiUrl: config.API_PUBLIC_URL.replace(/\/+$/, ''),
        tokenKey: Buffer.from(config.STATUS_TOKEN_KEY, 'utf8'),
      },
      claimLife: {
        leaseMs: config.CLAIM_LEASE_MS,
        // A signature is good from one tolerance before its time to one after it; never shorter than an equal body.
        pendingMs: Math.max(2 * config.SIGNATURE_TOLERANCE_MS, config.EQUAL_BODY_MS),
        doneMs: config.ANSWER_KEPT_MS,
        drawnMs: config.EQUAL_BODY_MS,
      },
      now: () => host.now(),
    });
    return {
      module: IngressModule,
      controllers: [SignalsController, ConfigChangedConsumer],
      providers: [
        { provide: SignalIntake, useValue: intake },
        { provide: IngressMetrics, useValue: metrics },
        { provide: Directory, useValue: directory },
      ],
    };
  }
}

/** The ways to prove a sender that this door knows. */
function schemesOf(config: IngressConfig, host: AppHost, directory: Directory): Scheme[] {
  // A directory that never hears of changes believes none of its entries: it reads the database each time.
  const confirmed = new Directory(host.pool, host.log.partitionCount);
  const secrets = new TenantSecrets(directory, confirmed, secretBox(config.SECRETS_KEYS), (secretId, error) =>
    host.logger.error({ secretId, err: error }, 'a signing secret cannot be opened'),
  );
  return [
    new StandardWebhooks(secrets, config.SIGNATURE_TOLERANCE_MS),
    new ApiKeyScheme(directory, Buffer.from(config.API_KEY_PEPPER, 'utf8')),
  ];
}

function secretBox(keys: string): SecretBox {
  try {
    return new SecretBox(parseSealingKeys(keys));
  } catch (error) {
    throw new ConfigError([{ name: 'SECRETS_KEYS', wanted: [(error as Error).message] }]);
  }
}
