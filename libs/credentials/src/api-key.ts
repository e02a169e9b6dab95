import { strict as assert } from 'node:assert';
import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { hmacSha256 } from '@tickwire/signing';

/** `live` and `test` keys belong to a tenant, `agent` keys to one agent, `admin` keys to the operators; `alert` ones are the tokens of alert URLs. */
export type ApiKeyKind = 'live' | 'test' | 'agent' | 'admin' | 'alert';

export interface ApiKey {
  kind: ApiKeyKind;
  /** The key itself. Shown once to its owner, never stored or logged. */
  text: string;
  /** Prefix and last four random characters, to recognise a key in lists and logs: `tw_live_…x7Qf`. */
  hint: string;
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** 178 bits: beyond guessing, and so a plain HMAC is hash enough; slow hashes are for what people choose. */
const RANDOM_LENGTH = 30;
/** 62^6 is above 2^32, so that each CRC-32 has its own text. */
const CHECKSUM_LENGTH = 6;
const HINT_LENGTH = 4;
const MIN_PEPPER_BYTES = 16;
const API_KEY = /^(tw_(live|test|agent|admin|alert)_([0-9A-Za-z]{30}))_([0-9A-Za-z]{6})$/;

/**
 * Draws a new key: `tw_<kind>_<30 random base62>_<6 base62 checksum>`. The fixed prefix and the checksum let secret
 * scanners find a leaked key with certainty.
 * @param draw returns a uniform integer from 0 to below its argument, from a cryptographic source
 */
export function generateApiKey(kind: ApiKeyKind, draw: (below: number) => number = randomInt): ApiKey {
  const random = Array.from({ length: RANDOM_LENGTH }, () => BASE62[draw(BASE62.length)]!).join('');
  const body = `tw_${kind}_${random}`;
  return { kind, text: `${body}_${checksum(body)}`, hint: hintOf(kind, random) };
}

/**
 * Reads a key and verifies its checksum, so that typing errors and garbage never reach the database. The checksum
 * proves nothing: whether the key exists is answered by looking up its hash.
 * @returns undefined for anything that `generateApiKey` cannot have written
 */
export function parseApiKey(text: string): ApiKey | undefined {
  const [, body = '', kind, random = '', given] = API_KEY.exec(text) ?? [];
  if (kind === undefined || given !== checksum(body)) return undefined;
  return { kind: kind as ApiKeyKind, text, hint: hintOf(kind, random) };
}

/**
 * The form in which a key is stored and looked up: HMAC-SHA256 under a pepper that the database does not hold. The
 * lookup by equality leaks nothing through its time, because nobody without the pepper can steer the hash.
 * @param pepper at least 16 bytes, the same on every process
 * @returns 43 characters of base64url
 * @throws AssertionError for a pepper that is too short
 */
export function hashApiKey(key: ApiKey, pepper: Uint8Array): string {
  assert(pepper.length >= MIN_PEPPER_BYTES, `the pepper must hold at least ${MIN_PEPPER_BYTES} bytes`);
  return hmacSha256(pepper, [key.text]).toString('base64url');
}

/** CRC-32 over prefix, kind and random part as base62, most significant digit first. */
function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let digit = 0; digit < CHECKSUM_LENGTH; digit++) {
    text = BASE62[rest % BASE62.length]! + text;
    rest = Math.floor(rest / BASE62.length);
  }
  return text;
}

function hintOf(kind: string, random: string): string {
  return `tw_${kind}_…${random.slice(-HINT_LENGTH)}`;
}
