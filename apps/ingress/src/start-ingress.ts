import 'reflect-metadata';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ConfigError } from '@tickwire/config';
import { AddressGuard, CallbackClient, parseAllowCidrs } from '@tickwire/delivery';
import { EventLogServer } from '@tickwire/event-log';
import { createHttpApp, type AppHost, type RunningApp } from '@tickwire/runtime';
import type { FastifyInstance } from 'fastify';
import { openClaimStore } from './claims/open-claim-store.js';
import type { IngressConfig } from './ingress.config.js';
import { IngressModule } from './ingress.module.js';
import { IngressMetrics } from './metrics/ingress-metrics.js';

/**
 * Starts the door on the host's database and log.
 * @throws ConfigError for settings that do not fit each other
 */
export async function startIngress(config: IngressConfig, host: AppHost): Promise<RunningApp & { url: string }> {
  const client = new CallbackClient({ guard: addressGuard(config) });
  const metrics = new IngressMetrics(host.management.registry, host.logger);
  const claims = await openClaimStore(config, host.logger, (active) => metrics.claimsByReplica(active)).catch(
    (error: unknown) => {
      metrics.remove();
      throw error;
    },
  );
  const release = (): void => {
    claims.close();
    metrics.remove();
    void client.close();
  };
  let app: NestFastifyApplication | undefined;
  try {
    app = await createHttpApp(
      IngressModule.of(config, { host, claims: claims.store, redis: claims.redis, jwks: client, metrics }),
      {
        logger: host.logger,
        maxConnections: config.MAX_CONNECTIONS,
        trustProxy: config.TRUST_PROXY.length > 0 ? config.TRUST_PROXY : false,
      },
    );
    const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    fastify.addHook('onResponse', (request, reply, done) => {
      metrics.answered(request, reply);
      done();
    });
    const server = new EventLogServer(host.log, host.logger, () => host.now());
    app.connectMicroservice({ strategy: server });
    await app.startAllMicroservices();
    await app.listen(config.PORT, config.HOST);
    return { url: await app.getUrl(), stop: stopper(app, server, host, release) };
  } catch (error) {
    await app?.close();
    release();
    throw error;
  }
}

/** @throws ConfigError for networks that cannot be read */
function addressGuard({ CALLBACK_ALLOW_CIDRS = '', CALLBACK_ALLOW_HTTP }: IngressConfig): AddressGuard {
  try {
    return new AddressGuard({ allowCidrs: parseAllowCidrs(CALLBACK_ALLOW_CIDRS), allowHttp: CALLBACK_ALLOW_HTTP });
  } catch (error) {
    throw new ConfigError([{ name: 'CALLBACK_ALLOW_CIDRS', wanted: [(error as Error).message] }]);
  }
}

/** Registers readiness. @returns what stops the app and takes its readiness back */
function stopper(
  app: NestFastifyApplication,
  server: EventLogServer,
  host: AppHost,
  release: () => void,
): () => Promise<void> {
  const unready = [
    host.management.addReadiness('ingress', 'consumers', () => {
      if (!server.healthy()) throw new Error('config.changed is not being read');
    }),
  ];
  return async () => {
    await app.close();
    for (const remove of unready) remove();
    release();
  };
}
