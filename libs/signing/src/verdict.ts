/**
 * What a verification found.
 *
 * `keyIndex` is the position in `keys` of the key that signed. `skewMs` is now minus the signed time: positive for a
 * request from the past. It exists only where the signature holds, because nothing is told to a sender without one.
 */
export type Verdict =
  | { ok: true; keyIndex: number }
  | { ok: false; reason: Exclude<RefusalReason, 'STALE_TIMESTAMP'> }
  | { ok: false; reason: 'STALE_TIMESTAMP'; skewMs: number };

/**
 * - `MALFORMED_ID`, `MALFORMED_TIMESTAMP`, `MALFORMED_SIGNATURE`: not in the form that the scheme prescribes; no key
 *   was looked at, so that the time taken tells nothing about the keys.
 * - `BAD_SIGNATURE`: well formed, and signed by none of the keys (or there are no keys).
 * - `STALE_TIMESTAMP`: signed by one of the keys, outside the replay window.
 *
 * All but the last are the same answer to an outsider; the distinction is for the signature debugger and for counters.
 */
export type RefusalReason =
  'MALFORMED_ID' | 'MALFORMED_TIMESTAMP' | 'MALFORMED_SIGNATURE' | 'BAD_SIGNATURE' | 'STALE_TIMESTAMP';
