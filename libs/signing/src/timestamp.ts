import { strict as assert } from 'node:assert';

/** Unix seconds without sign, fraction or leading zero; twelve digits reach past the year 30000. */
const UNIX_SECONDS = /^(?:0|[1-9]\d{0,11})$/;
/** ISO 8601 date and time with seconds and a zone: a time without a zone is a different instant for each reader. */
const ISO_8601 = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):(\d{2}))$/;

export interface ReplayWindow {
  /** The receiver's clock, ms since the epoch. */
  nowMs: number;
  /** How far a signed time may lie in the past or in the future, ms, inclusive. */
  toleranceMs: number;
}

/**
 * Reads unix seconds. Only digits: `parseInt` would take `1614265330abc` for a time.
 * @returns ms since the epoch, or undefined
 */
export function parseUnixSeconds(text: string): number | undefined {
  return UNIX_SECONDS.test(text) ? Number(text) * 1000 : undefined;
}

/**
 * Reads unix seconds or an ISO 8601 time with seconds and zone (`2026-01-31T09:30:00.250Z`, `…+01:00`). Digits past
 * the millisecond are cut off. Days and hours that do not exist are refused, not rolled over.
 * @returns ms since the epoch, or undefined
 */
export function parseTimestamp(text: string): number | undefined {
  return parseUnixSeconds(text) ?? parseIso8601(text);
}

/**
 * Measures a time against the replay window.
 * @param atMs the signed time, ms since the epoch
 * @returns undefined inside the window; outside it the skew in ms, positive for a time in the past
 */
export function checkReplayWindow(atMs: number, { nowMs, toleranceMs }: ReplayWindow): { skewMs: number } | undefined {
  // NaN compares false with everything, and would let every time pass.
  assert(Number.isFinite(atMs) && Number.isFinite(nowMs), 'times must be finite');
  assert(Number.isFinite(toleranceMs) && toleranceMs >= 0, 'toleranceMs must be finite and not negative');
  const skewMs = nowMs - atMs;
  return Math.abs(skewMs) > toleranceMs ? { skewMs } : undefined;
}

function parseIso8601(text: string): number | undefined {
  const match = ISO_8601.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, fraction = '0', sign, zoneHour = '0', zoneMinute = '0'] = match;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  if (Number(zoneHour) > 23 || Number(zoneMinute) > 59) return undefined;
  const date = new Date(`${year}-${month}-${day}T00:00:00Z`);
  // The engine rolls 30 February over into March; the day has to come back as it was written.
  if (Number.isNaN(date.getTime()) || date.toISOString().slice(0, 10) !== `${year}-${month}-${day}`) return undefined;
  const offsetMinutes = (Number(zoneHour) * 60 + Number(zoneMinute)) * (sign === '-' ? -1 : 1);
  const minutes = Number(hour) * 60 + Number(minute) - offsetMinutes;
  return date.getTime() + minutes * 60_000 + Number(second) * 1000 + Number(fraction.padEnd(3, '0').slice(0, 3));
}
