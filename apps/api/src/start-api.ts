import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { Fence, EventLogServer } from '@tickwire/event-log';
import { createHttpApp, type AppHost, type RunningApp } from '@tickwire/runtime';
import type { FastifyInstance } from 'fastify';
import { AgentSockets } from './agents/socket/agent-sockets.js';
import { routeUpgrades } from './agents/socket/upgrades.js';
import type { ApiConfig } from './api.config.js';
import { ApiModule } from './api.module.js';
import { AuthenticationGuard } from './authentication/authentication.guard.js';
import { Authenticator } from './authentication/authenticator.js';
import { ConfigurationRelay } from './outbox/configuration-relay.js';
import { SignalNews } from './signals/signal-news.js';
import { BodyPipe } from './validation/body.pipe.js';
import { DatabaseFaultsInterceptor } from './validation/database-faults.interceptor.js';

const FLUSH_MS = 5_000;

/** Starts the API on the host's database and log: HTTP, the configuration's relay, the projections. */
export async function startApi(config: ApiConfig, host: AppHost): Promise<RunningApp> {
  const server = new EventLogServer(host.log, host.logger, host.now);
  const app = await createHttpApp(ApiModule.of(config, host), { logger: host.logger, trustProxy: config.TRUST_PROXY });
  const authenticator = new Authenticator(host.pool, {
    adminToken: config.ADMIN_TOKEN,
    pepper: Buffer.from(config.API_KEY_PEPPER, 'utf8'),
  });
  // Not inherited by the consumers, which have neither callers nor bodies.
  app.setGlobalPrefix('api/v1');
  app.useGlobalGuards(new AuthenticationGuard(authenticator));
  app.useGlobalPipes(new BodyPipe());
  app.useGlobalInterceptors(new DatabaseFaultsInterceptor());
  app.connectMicroservice({ strategy: server });
  let stopping = false;
  const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
  // A request that waits while the app stops would keep its connection, and with it the app, open.
  fastify.addHook('onSend', (_request, reply, payload, done) => {
    if (stopping) reply.header('connection', 'close');
    done(null, payload);
  });
  routeUpgrades(fastify);
  const relay = app.get(ConfigurationRelay);
  try {
    await app.startAllMicroservices();
    relay.start();
    await app.listen(config.API_PORT, config.API_HOST);
  } catch (error) {
    await relay.stop();
    await app.close();
    throw error;
  }
  const forget = host.management.addReadiness('api', 'consumers', () => {
    if (!server.healthy()) throw new Error('a consumer lost its session, or one of its partitions is stopped');
  });
  return {
    url: (await app.getUrl()).replace(/\[::1?\]|0\.0\.0\.0/, '127.0.0.1'),
    stop: async () => {
      forget();
      stopping = true;
      app.get(SignalNews).close();
      // Connections that are upgraded keep the server open until they are closed.
      await app.get(AgentSockets).close();
      await app.close();
      // The pool is about to close; a note of a key's use is not worth a longer wait.
      await Promise.race([authenticator.settled(), delay(FLUSH_MS, undefined, { ref: false })]);
      await app.get(Fence).flush(FLUSH_MS);
      // Last: a change that was committed while closing is still told.
      await relay.stop();
    },
  };
}
