import type { AlertBinding } from './alert-adapter.js';

/**
 * What makes an alert without an id the same alert when it comes again: who it trades for, its bar, and all of its
 * text. Two alerts of one bar that are meant as two signals therefore have to differ in their text, for example by
 * `{{timenow}}` or `{{strategy.order.id}}`.
 *
 * Only the bar's time qualifies. The time of sending differs between an alert and its repetition by another hand, and
 * an equal text without any time may be meant as a second order.
 *
 * The account is part of it: two addresses of one bot for two accounts may get the same alert, and both shall trade.
 *
 * @param text     the body as sent
 * @param barTime  ISO 8601 UTC with milliseconds, so that one instant has one spelling
 * @returns a text without ambiguity, as long as the body; the caller hashes it
 */
export function alertIdentity(
  { botId, accountId }: Pick<AlertBinding, 'botId' | 'accountId'>,
  text: string,
  barTime: string,
): string {
  return JSON.stringify(['alert', botId, accountId, barTime, text]);
}
