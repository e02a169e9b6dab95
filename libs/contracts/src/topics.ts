import { eventDefinitions } from './define-event.js';

/** Seven days: longer than the longest outage that a consumer group has to survive. */
const WEEK_MS = 7 * 24 * 3_600_000;
const RETENTION_MS: Record<string, number> = {
  'market.tick': 3_600_000,
  'market.quote': 3_600_000,
  'config.changed': 3_600_000,
};

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

export function deadLetterTopic(topic: string): string {
  return `${topic}.dead`;
}
