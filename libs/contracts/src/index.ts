// The order of these lines is the order of the catalogue: the way of a signal, then the way of a tick.
export * from './webhooks/webhook-received.event.js';
export * from './webhooks/webhook-validated.event.js';
export * from './webhooks/webhook-trade-executed.event.js';
export * from './webhooks/webhook-completed.event.js';
export * from './webhooks/webhook-failed.event.js';
export * from './webhooks/webhook-suspicious.event.js';
export * from './accounts/account-control.event.js';
export * from './configuration/config-changed.event.js';
export * from './market/market-quote.event.js';
export * from './market/market-tick.event.js';
export * from './agents/agent-actions.event.js';
export * from './agents/agent-delivery.event.js';
export * from './agents/agent-control.event.js';
export * from './market/world-control.event.js';

export * from './market/tick-webhook.js';
export * from './market/tick-body.js';
export * from './webhooks/signal-request.js';
export { eventDefinition, eventDefinitions, schemaOf } from './define-event.js';
export type { AppName, EventDefinition, JsonSchema } from './define-event.js';
export * from './envelope.js';
export * from './formats.js';
export * from './identity.js';
export * from './iso-time.js';
export * from './topics.js';
