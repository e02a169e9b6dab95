/** The sender's id of a signal. */
export const SIGNAL_ID = /^[A-Za-z0-9_.:-]{1,128}$/;
/** Canonical decimal string: no exponent, no plus sign. */
export const DECIMAL = /^-?(0|[1-9]\d{0,23})(\.\d{1,12})?$/;
/** As {@link DECIMAL}, above or equal to zero. */
export const UNSIGNED_DECIMAL = /^(0|[1-9]\d{0,23})(\.\d{1,12})?$/;
/** ISO 8601 in UTC with milliseconds. */
export const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
/** Upper snake case: stable, callers match on it. */
export const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;
export const SYMBOL = /^[A-Z0-9][A-Z0-9_.-]{0,23}$/;
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Ids that are ours: prefix and UUIDv7. */
export const OWN_ID = /^[a-z]{2,4}_[0-9A-Za-z-]{8,64}$/;
