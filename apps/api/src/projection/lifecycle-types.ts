import {
  webhookCompleted,
  webhookFailed,
  webhookReceived,
  webhookSuspicious,
  webhookTradeExecuted,
  webhookValidated,
} from '@tickwire/contracts';

/** The events of a signal's life, in the order in which they can happen. */
export const LIFECYCLE_EVENTS = [
  webhookReceived,
  webhookValidated,
  webhookTradeExecuted,
  webhookCompleted,
  webhookFailed,
] as const;

export const LIFECYCLE_TYPES: readonly string[] = LIFECYCLE_EVENTS.map((definition) => definition.type);

/** What a callback endpoint may ask for: it gets the lifecycle unasked, the rest only by name. */
export const CALLBACK_TYPES: readonly string[] = [...LIFECYCLE_TYPES, webhookSuspicious.type];
