import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';

/** The plain bytes; or `too_large`; or `unreadable` for an encoding we do not know and for corrupt data. */
export type DecodedBody = Buffer | 'too_large' | 'unreadable';

type Inflater = (bytes: Buffer, options: { maxOutputLength: number }) => Buffer;

/**
 * Undoes a `content-encoding` that the receiver applied although we ask for `identity`.
 *
 * @param encoded at most `maxBytes` long, so inflating it here is bounded work, and cheaper than a trip to another
 *   thread; output stops at `maxBytes`, so a small body cannot become a large one
 */
export function decodeBody(encoded: Buffer, encoding: string, maxBytes: number): DecodedBody {
  const inflate = inflaterFor(encoding.trim().toLowerCase(), encoded);
  if (inflate === undefined) return 'unreadable'; // stacked encodings end here too
  if (encoded.length === 0) return encoded;
  try {
    return inflate(encoded, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE' ? 'too_large' : 'unreadable';
  }
}

function inflaterFor(encoding: string, encoded: Buffer): Inflater | undefined {
  switch (encoding) {
    case 'identity':
    case '':
      return (bytes) => bytes;
    case 'gzip':
    case 'x-gzip':
      return gunzipSync;
    case 'deflate':
      // The name means zlib's format; many servers send the bare stream. The first byte tells them apart.
      return ((encoded[0] ?? 0) & 0x0f) === 8 ? inflateSync : inflateRawSync;
    case 'br':
      return brotliDecompressSync;
    default:
      return undefined;
  }
}
