import { strict as assert } from 'node:assert';
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface SealingKey {
  /** 1 to 32 of `[a-z0-9-]`; written into every sealed text, so never given to another key. */
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

const VERSION = 'sb1';
const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
/** Drawn at random: safe for 2^32 texts under one key, far more than a key's life sees. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_ID = /^[a-z0-9-]{1,32}$/;
const SEALED = /^sb1\.([a-z0-9-]{1,32})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;

/**
 * A sealed text that cannot be opened: damaged, moved to another row, or sealed by a key that is not configured. No
 * answer to a caller and nothing that passes: an operator has to look. The message names the key id, never a content.
 */
export class SecretUnreadable extends Error {
  constructor(reason: string) {
    super(`A sealed secret cannot be opened: ${reason}`);
  }
}

/**
 * Seals secrets that have to be read again (webhook secrets, tick secrets) for rest in a database. Each sealed text is
 * bound to its row: moved to another row or column it does not open, so that nobody with write access to the database
 * can give a tenant a secret he knows.
 *
 * Text form: `sb1.<key id>.<nonce>.<ciphertext and tag>`, the last two in base64url.
 */
export class SecretBox {
  readonly #keys: ReadonlyMap<string, KeyObject>;
  readonly #activeId: string;

  /**
   * @param keys the first seals; all open. To rotate, put the new key first and reseal what `isCurrent` denies.
   * @throws AssertionError without keys, for a key that is not of 32 bytes, a bad or repeated id
   */
  constructor(keys: readonly SealingKey[]) {
    const [active] = keys;
    assert(active !== undefined, 'a secret box needs at least one sealing key');
    for (const { id, key } of keys) {
      assert(KEY_ID.test(id), 'a sealing key id must be 1 to 32 of [a-z0-9-]');
      assert(key.length === KEY_BYTES, `sealing key ${id} must hold ${KEY_BYTES} bytes`);
    }
    this.#keys = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]));
    assert(this.#keys.size === keys.length, 'sealing key ids must differ');
    this.#activeId = active.id;
  }

  /**
   * @param secret sealed as UTF-8
   * @param row what the text belongs to: table or column, then ids. The order counts, and the same is needed to open.
   */
  seal(secret: string, row: readonly string[]): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#keys.get(this.#activeId)!, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(associatedData(this.#activeId, row));
    const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${VERSION}.${this.#activeId}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
  }

  /**
   * @param row as given to `seal`
   * @throws SecretUnreadable
   */
  open(sealed: string, row: readonly string[]): string {
    const [, keyId, nonceText, sealedText] = SEALED.exec(sealed) ?? [];
    if (keyId === undefined || nonceText === undefined || sealedText === undefined) {
      throw new SecretUnreadable('it is not in the form of a sealed text');
    }
    const key = this.#keys.get(keyId);
    if (key === undefined) throw new SecretUnreadable(`sealing key ${keyId} is not configured`);
    const bytes = Buffer.from(sealedText, 'base64url');
    const nonce = Buffer.from(nonceText, 'base64url');
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(keyId, row));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
    } catch {
      throw new SecretUnreadable(`it was changed, or belongs to another row or another key named ${keyId}`);
    }
  }

  /** Whether the text is sealed by the key that seals today; otherwise a rotation has to reseal it. */
  isCurrent(sealed: string): boolean {
    return SEALED.exec(sealed)?.[1] === this.#activeId;
  }
}

/**
 * Reads sealing keys from a configuration value, `<id>:<base64 of 32 bytes>` separated by commas, the active one first.
 * @throws Error naming the position of the bad entry, never its content
 */
export function parseSealingKeys(text: string): SealingKey[] {
  return text.split(',').map((entry, index) => {
    const [, id, encoded] = /^\s*([a-z0-9-]{1,32}):([A-Za-z0-9+/]{43}=)\s*$/.exec(entry) ?? [];
    if (id === undefined || encoded === undefined) {
      throw new Error(`Sealing key ${index + 1} is not of the form <id>:<base64 of ${KEY_BYTES} bytes>`);
    }
    return { id, key: Buffer.from(encoded, 'base64') };
  });
}

/** JSON keeps the parts apart: `['a', 'b']` and `['a,b']` are different rows. */
function associatedData(keyId: string, row: readonly string[]): Buffer {
  return Buffer.from(JSON.stringify([VERSION, keyId, ...row]), 'utf8');
}
