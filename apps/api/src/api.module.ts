import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { parseSealingKeys, SecretBox } from '@tickwire/credentials';
import { AddressGuard, parseAllowCidrs, parsePorts } from '@tickwire/delivery';
import { Fence } from '@tickwire/event-log';
import type { AppHost } from '@tickwire/runtime';
import { AccountHistory } from './accounts/account-history.js';
import { AccountStates } from './accounts/account-state.js';
import { AccountsController } from './accounts/accounts.controller.js';
import { Accounts } from './accounts/accounts.js';
import { LatestQuotes } from './accounts/latest-quotes.js';
import { QuotesConsumer } from './accounts/quotes.consumer.js';
import { ActionIntake } from './agents/actions/action-intake.js';
import { AgentActionsController } from './agents/actions/agent-actions.controller.js';
import { AgentOrdersController } from './agents/actions/agent-orders.controller.js';
import { AgentDeliveriesController } from './agents/agent-deliveries.controller.js';
import { AgentDeliveries } from './agents/agent-deliveries.js';
import { AgentCommands } from './agents/agent-commands.js';
import { AgentViews } from './agents/agent-views.js';
import { AgentsController } from './agents/agents.controller.js';
import { Agents } from './agents/agents.js';
import { Leaderboard } from './agents/leaderboard.js';
import { AgentSocketController } from './agents/socket/agent-socket.controller.js';
import { AgentSockets } from './agents/socket/agent-sockets.js';
import { AlertTokensController } from './alerts/alert-tokens.controller.js';
import { AlertTokens } from './alerts/alert-tokens.js';
import type { ApiConfig } from './api.config.js';
import { AdminAuditController } from './audit/admin-audit.controller.js';
import { AuditController } from './audit/audit.controller.js';
import { Audit } from './audit/audit.js';
import { BotsController } from './bots/bots.controller.js';
import { Bots } from './bots/bots.js';
import { ApiKeysController } from './credentials/api-keys.controller.js';
import { ApiKeys } from './credentials/api-keys.js';
import { SigningSecretsController } from './credentials/signing-secrets.controller.js';
import { SigningSecrets } from './credentials/signing-secrets.js';
import { DeadLettersController } from './dead-letters/dead-letters.controller.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import { Deliveries } from './endpoints/deliveries.js';
import { EndpointsController } from './endpoints/endpoints.controller.js';
import { Endpoints } from './endpoints/endpoints.js';
import { EventsController } from './events/events.controller.js';
import { Events } from './events/events.js';
import { JwtIssuersController } from './jwt-issuers/jwt-issuers.controller.js';
import { JwtIssuers } from './jwt-issuers/jwt-issuers.js';
import { ConfigurationRelay } from './outbox/configuration-relay.js';
import { ConfigurationWriter } from './outbox/configuration-writer.js';
import { AgentsConsumer } from './projection/agents.consumer.js';
import { ApiMetrics } from './projection/api-metrics.js';
import { DeliveryLogRetention } from './projection/delivery-log-retention.js';
import { LifecycleConsumer, PROJECTOR_GROUP } from './projection/lifecycle.consumer.js';
import { SettingsController } from './settings/settings.controller.js';
import { SignalNews } from './signals/signal-news.js';
import { SignalsController } from './signals/signals.controller.js';
import { Signals } from './signals/signals.js';
import { RestrictionsController } from './suspicions/restrictions.controller.js';
import { Restrictions } from './suspicions/restrictions.js';
import { SuspicionsConsumer } from './suspicions/suspicions.consumer.js';
import { SuspicionsController } from './suspicions/suspicions.controller.js';
import { Suspicions } from './suspicions/suspicions.js';
import { TenantsController } from './tenants/tenants.controller.js';
import { Tenants } from './tenants/tenants.js';
import { CONFIG, HOST } from './tokens.js';
import { AdminWorldsController } from './worlds/admin-worlds.controller.js';
import { LeaderboardController } from './worlds/leaderboard.controller.js';
import { WorldViews } from './worlds/world-views.js';
import { WorldsController } from './worlds/worlds.controller.js';
import { Worlds } from './worlds/worlds.js';

@Module({})
export class ApiModule {
  static of(config: ApiConfig, host: AppHost): DynamicModule {
    return {
      module: ApiModule,
      controllers: [
        TenantsController,
        AdminWorldsController,
        DeadLettersController,
        AdminAuditController,
        AuditController,
        SettingsController,
        ApiKeysController,
        SigningSecretsController,
        AlertTokensController,
        JwtIssuersController,
        SuspicionsController,
        RestrictionsController,
        AccountsController,
        BotsController,
        EndpointsController,
        SignalsController,
        EventsController,
        WorldsController,
        AgentsController,
        AgentDeliveriesController,
        AgentSocketController,
        AgentActionsController,
        AgentOrdersController,
        LeaderboardController,
        LifecycleConsumer,
        AgentsConsumer,
        QuotesConsumer,
        SuspicionsConsumer,
      ],
      providers: [
        { provide: HOST, useValue: host },
        { provide: CONFIG, useValue: config },
        { provide: SecretBox, useFactory: () => new SecretBox(parseSealingKeys(config.SECRETS_KEYS)) },
        { provide: AddressGuard, useFactory: () => addressGuard(config) },
        { provide: ApiMetrics, useFactory: () => new ApiMetrics(host.management.registry) },
        { provide: Fence, useFactory: () => new Fence(host.pool, host.log, PROJECTOR_GROUP, host.logger) },
        {
          provide: ConfigurationRelay,
          useFactory: () => new ConfigurationRelay(host.pool, host.log, host.logger, host.now),
        },
        {
          provide: ConfigurationWriter,
          useFactory: (relay: ConfigurationRelay) => new ConfigurationWriter(host.pool, host.log, () => relay.kick()),
          inject: [ConfigurationRelay],
        },
        SignalNews,
        Audit,
        Tenants,
        ApiKeys,
        SigningSecrets,
        AlertTokens,
        JwtIssuers,
        Suspicions,
        Restrictions,
        Accounts,
        AccountStates,
        AccountHistory,
        LatestQuotes,
        Bots,
        Endpoints,
        Deliveries,
        Signals,
        Events,
        Worlds,
        WorldViews,
        Agents,
        AgentViews,
        AgentCommands,
        AgentDeliveries,
        AgentSockets,
        ActionIntake,
        Leaderboard,
        DeliveryLogRetention,
        DeadLetters,
      ],
    };
  }
}

function addressGuard({ CALLBACK_ALLOW_CIDRS = '', CALLBACK_ALLOW_HTTP, CALLBACK_PORTS }: ApiConfig): AddressGuard {
  return new AddressGuard({
    allowCidrs: parseAllowCidrs(CALLBACK_ALLOW_CIDRS),
    allowHttp: CALLBACK_ALLOW_HTTP,
    allowedPorts: parsePorts(CALLBACK_PORTS),
  });
}
