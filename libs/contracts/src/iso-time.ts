let lastMs = NaN;
let lastText = '';

/**
 * An instant as events and callbacks write it: ISO 8601 UTC with milliseconds. What is made in one turn of the event loop
 * bears one instant mostly, several times over, so the last one is kept.
 * @throws RangeError for what is no instant
 */
export function isoTime(ms: number): string {
  if (ms !== lastMs) {
    lastText = new Date(ms).toISOString();
    lastMs = ms;
  }
  return lastText;
}
