import { percentileReaches, type ResponseWindow } from './response-window.js';

export const DELIVERY_HEALTH = ['ok', 'slow', 'unresponsive'] as const;
export type DeliveryHealth = (typeof DELIVERY_HEALTH)[number];

/** As many failures in a row open an agent's breaker. */
const UNRESPONSIVE_FAILURES = 5;
/** Agents are asked to answer in less than this. */
const SLOW_MS = 2_000;
/** Fewer say little about a 99th percentile. */
const SLOW_DELIVERIES = 20;

/** What an agent's health is told from. */
export interface DeliveryRecord {
  /** Failed deliveries since the last one that succeeded; skipped and superseded ones are neither. */
  consecutiveFailures: number;
  /** Whether the breaker has skipped a delivery since the last one that was attempted. */
  breakerOpen: boolean;
  /** Response times of the latest successes. */
  responseWindow: ResponseWindow;
}

/**
 * - `unresponsive`: the last 5 deliveries that were attempted failed, or the breaker is open. One success ends it.
 * - `slow`: the 99th percentile of at least 20 response times, of the last 200 successes, is 2 s or more.
 * - `ok`: neither. An agent that fails cannot be judged by its response times, so `unresponsive` goes first.
 */
export function deliveryHealth({ consecutiveFailures, breakerOpen, responseWindow }: DeliveryRecord): DeliveryHealth {
  if (consecutiveFailures >= UNRESPONSIVE_FAILURES || breakerOpen) return 'unresponsive';
  if (responseWindow.length >= SLOW_DELIVERIES && percentileReaches(responseWindow, 99, SLOW_MS)) return 'slow';
  return 'ok';
}
