import { strict as assert } from 'node:assert';
import { createHmac, hash } from 'node:crypto';

/** Of SHA-256 (RFC 2104): a longer key is hashed first. */
const BLOCK_BYTES = 64;
/** Of a SHA-256 digest. */
export const DIGEST_BYTES = 32;
/** Of UTF-16 in UTF-8. */
const MOST_BYTES_OF_A_CHARACTER = 3;
/** Room for the largest tick body; what is longer is hashed part by part. */
const SCRATCH_BYTES = 128 * 1024;

/** The key's blocks, and room behind the outer one for the inner digest. */
interface PreparedKey {
  readonly inner: Buffer;
  readonly outer: Buffer;
}

/** Of text secrets, at most so many: then they are prepared anew. */
const MOST_TEXT_KEYS = 20_000;
const preparedBytes = new WeakMap<Uint8Array, PreparedKey>();
const preparedTexts = new Map<string, PreparedKey>();

/** Where key block and message stand behind each other; what is written there is hashed in the same turn. */
const scratch = Buffer.alloc(BLOCK_BYTES + SCRATCH_BYTES);

/** HMAC-SHA256 over the concatenation of `parts`; strings as UTF-8. Key bytes must not be changed afterwards. @returns 32 bytes */
export function hmacSha256(key: Uint8Array | string, parts: readonly (Uint8Array | string)[]): Buffer {
  const outer = outerBlock(key, parts);
  return outer === undefined ? inParts(key, parts).digest() : hash('sha256', outer, 'buffer');
}

/** As `hmacSha256`, without a buffer in between. @returns 64 lower-case hex digits */
export function hmacSha256Hex(key: Uint8Array | string, parts: readonly (Uint8Array | string)[]): string {
  const outer = outerBlock(key, parts);
  return outer === undefined ? inParts(key, parts).digest('hex') : hash('sha256', outer, 'hex');
}

/**
 * The inner hash, written behind the key's outer block: what is left is to hash that.
 *
 * Two digests in one go each cost half of what `createHmac` does with a short message (2 us against 4.4), and as much with one
 * of 20 kB; but they leave nothing behind, where each `Hmac` is an object with a native half, a fifth of what the tick dispatcher
 * had to collect.
 * @returns undefined where the message is too long for it
 */
function outerBlock(key: Uint8Array | string, parts: readonly (Uint8Array | string)[]): Buffer | undefined {
  // Anybody can compute the HMAC of the empty key.
  assert(key.length > 0, 'a signing key must not be empty');
  let most = 0;
  for (const part of parts) most += typeof part === 'string' ? part.length * MOST_BYTES_OF_A_CHARACTER : part.length;
  if (most > SCRATCH_BYTES) return undefined;
  const { inner, outer } = prepared(key);
  scratch.set(inner);
  let end = BLOCK_BYTES;
  for (const part of parts) {
    if (typeof part === 'string') {
      end += scratch.write(part, end, 'utf8');
    } else {
      scratch.set(part, end);
      end += part.length;
    }
  }
  outer.write(hash('sha256', scratch.subarray(0, end), 'binary'), BLOCK_BYTES, 'latin1');
  return outer;
}

function inParts(key: Uint8Array | string, parts: readonly (Uint8Array | string)[]) {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac;
}

function prepared(key: Uint8Array | string): PreparedKey {
  const standing = typeof key === 'string' ? preparedTexts.get(key) : preparedBytes.get(key);
  if (standing) return standing;
  const made = prepare(key);
  if (typeof key === 'string') {
    if (preparedTexts.size >= MOST_TEXT_KEYS) preparedTexts.clear();
    preparedTexts.set(key, made);
  } else {
    preparedBytes.set(key, made);
  }
  return made;
}

function prepare(key: Uint8Array | string): PreparedKey {
  const bytes = typeof key === 'string' ? Buffer.from(key, 'utf8') : key;
  const short = bytes.length > BLOCK_BYTES ? hash('sha256', bytes, 'buffer') : bytes;
  const inner = Buffer.alloc(BLOCK_BYTES, 0x36);
  const outer = Buffer.alloc(BLOCK_BYTES + DIGEST_BYTES, 0x5c);
  for (const [at, byte] of short.entries()) {
    inner[at] = byte ^ 0x36;
    outer[at] = byte ^ 0x5c;
  }
  return { inner, outer };
}
