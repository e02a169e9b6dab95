import type { PublicKey } from './public-key.js';

/** Knows the public keys that issuers publish. */
export interface JwksSource {
  /**
   * The usable keys published under a URL.
   * @param kid   the key that a token names: if it is not among the known ones, the URL may be asked again
   * @param nowMs the caller's clock, ms since the epoch
   * @returns all usable keys, whatever their `kid`; possibly none
   * @throws TransientError when nothing is known, or nothing recent enough, and the URL cannot be read
   */
  keysAt(url: string, kid: string | undefined, nowMs: number): Promise<readonly PublicKey[]>;
}
