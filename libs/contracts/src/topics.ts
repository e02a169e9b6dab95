import { eventDefinitions } from './define-event.js';

/** Seven days: longer than the longest outage that a consumer group has to survive. */
const WEEK_MS = 7 * 24 * 3_600_000;
const RETENTION_MS: Record<string, number> = {
  'market.tick': 3_600_000,
  'market.quote': 3_600_000,
  'config.changed': 3_600_000,
};
/** A later tick replaces an earlier one: whoever was away for longer than they are kept has missed nothing of worth. */
const PERISHABLE: ReadonlySet<string> = new Set(['market.tick']);

export interface TopicDeclaration {
  name: string;
  retentionMs: number;
}

/** Every topic of the system: one per event type, and its dead letters. */
export function allTopics(): TopicDeclaration[] {
  return eventDefinitions().flatMap(({ topic }) => [
    { name: topic, retentionMs: RETENTION_MS[topic] ?? WEEK_MS },
    { name: deadLetterTopic(topic), retentionMs: 2 * WEEK_MS },
  ]);
}

/** Whether records of the topic are worth nothing once they have expired, so that a reader who comes too late goes on at the first one kept. */
export function isPerishable(topic: string): boolean {
  return PERISHABLE.has(topic);
}

export function deadLetterTopic(topic: string): string {
  return `${topic}.dead`;
}
