const ISO_INSTANT = /^(\d{4}-\d{2}-\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;
/** Seconds until the year 2286; Pine's own `time` is in ms. */
const UNIX_SECONDS = /^\d{10}$/;
const UNIX_MS = /^\d{13}$/;

/**
 * Reads an instant as senders write it: ISO 8601 with a zone (TradingView's `{{time}}`), unix seconds, or unix ms.
 * @returns ISO 8601 UTC with milliseconds; undefined for anything else, also for a day that no calendar has
 */
export function instantOf(text: string): string | undefined {
  if (UNIX_SECONDS.test(text)) return new Date(Number(text) * 1_000).toISOString();
  if (UNIX_MS.test(text)) return new Date(Number(text)).toISOString();
  const date = ISO_INSTANT.exec(text)?.[1];
  if (date === undefined || !isCalendarDay(date)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

/** Date.parse turns February 30 into March 2. */
function isCalendarDay(date: string): boolean {
  const ms = Date.parse(`${date}T00:00:00Z`);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(date);
}
