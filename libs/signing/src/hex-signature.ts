import { parseHexDigest } from './digest.js';

const ALGORITHM = 'sha256=';

/** Writes a digest the way the hex schemes send it: `sha256=` and its 64 lower-case hex digits. */
export function formatHexSignature(hexDigest: string): string {
  return ALGORITHM + hexDigest;
}

/** Reads `sha256=<64 hex digits>`; the digits may be of either case. @returns 32 bytes, or undefined */
export function parseHexSignature(header: string): Buffer | undefined {
  return header.startsWith(ALGORITHM) ? parseHexDigest(header.slice(ALGORITHM.length)) : undefined;
}
