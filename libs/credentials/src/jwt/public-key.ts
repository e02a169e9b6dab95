import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';

/** What a public key may have signed with. HS256 is not here: it has no public key, and so no key can be mistaken for its secret. */
export type PublicKeyAlgorithm = 'RS256' | 'ES256' | 'EdDSA';

/** A public key, imported and fit to verify with. */
export interface PublicKey {
  /** Follows from the key's type: RSA, P-256 or Ed25519. */
  readonly algorithm: PublicKeyAlgorithm;
  /** The name that its owner gave it. */
  readonly kid?: string;
  readonly key: KeyObject;
}

/** Why a JWK cannot be used. */
export interface JwkProblem {
  /** The member at fault; undefined: the key as a whole. */
  member?: string;
  code:
    | 'NOT_A_JWK'
    | 'SYMMETRIC_KEY'
    | 'PRIVATE_KEY'
    | 'UNSUPPORTED_KEY_TYPE'
    | 'UNSUPPORTED_CURVE'
    | 'UNSUPPORTED_ALGORITHM'
    | 'NOT_FOR_SIGNATURES'
    | 'INVALID_KID'
    | 'INVALID_KEY'
    | 'RSA_TOO_SHORT'
    | 'RSA_TOO_LONG'
    | 'RSA_WEAK_EXPONENT';
  detail: string;
}

export type JwkReading = { ok: true; key: PublicKey } | { ok: false; problems: JwkProblem[] };

/** Longest name of a key, characters. */
export const MAX_KID_LENGTH = 256;
const MIN_RSA_BITS = 2048;
/** Verifying costs the square of the length. */
const MAX_RSA_BITS = 8192;
/** With 1 every message signs itself; above 2^32 a verification costs as much as a signature. */
const RSA_EXPONENT = { min: 3n, max: 0xffff_ffffn };
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];
const BASE64URL = /^[A-Za-z0-9_-]+$/;

interface KeyType {
  algorithm: PublicKeyAlgorithm;
  /** `alg` members that fit; RFC 9864 gave EdDSA with Ed25519 a name of its own. */
  names: readonly string[];
  curve?: string;
  /** The members that hold the key. */
  material: readonly string[];
}

const KEY_TYPES = new Map<string, KeyType>([
  ['RSA', { algorithm: 'RS256', names: ['RS256'], material: ['n', 'e'] }],
  ['EC', { algorithm: 'ES256', names: ['ES256'], curve: 'P-256', material: ['x', 'y'] }],
  ['OKP', { algorithm: 'EdDSA', names: ['EdDSA', 'Ed25519'], curve: 'Ed25519', material: ['x'] }],
]);

/** Importing a key costs more than verifying with it. At most so many are kept, then they are imported anew. */
const MOST_IMPORTED = 10_000;
const imported = new Map<string, KeyObject>();

/**
 * Reads a public key from JSON that others wrote: a tenant's registration, or a JWK Set. Only RSA (2048 to 8192
 * bits), P-256 and Ed25519 for signatures; a key that also gives its private half away is refused.
 * Certificates (`x5c`, `x5u`) are not looked at.
 */
export function readPublicJwk(jwk: unknown): JwkReading {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) {
    return refuse([{ code: 'NOT_A_JWK', detail: 'a JSON Web Key is an object' }]);
  }
  const members = jwk as Record<string, unknown>;
  if (members.kty === 'oct') {
    return refuse([{ member: 'kty', code: 'SYMMETRIC_KEY', detail: 'a shared secret is no public key' }]);
  }
  const type = KEY_TYPES.get(String(members.kty));
  const problems = [...usageProblems(members, type), ...privateProblems(members)];
  if (type === undefined) {
    const detail = 'only RSA, EC (P-256) and OKP (Ed25519) are accepted';
    return refuse([{ member: 'kty', code: 'UNSUPPORTED_KEY_TYPE', detail }, ...problems]);
  }
  if (type.curve !== undefined && members.crv !== type.curve) {
    return refuse([{ member: 'crv', code: 'UNSUPPORTED_CURVE', detail: `must be ${type.curve}` }, ...problems]);
  }
  const material = importMaterial(members, type);
  if ('problem' in material) return refuse([...problems, material.problem]);
  if (problems.length > 0) return refuse(problems);
  const kid = members.kid as string | undefined;
  return { ok: true, key: { algorithm: type.algorithm, key: material.key, ...(kid === undefined ? {} : { kid }) } };
}

function refuse(problems: JwkProblem[]): JwkReading {
  return { ok: false, problems };
}

function privateProblems(members: Record<string, unknown>): JwkProblem[] {
  return PRIVATE_MEMBERS.filter((member) => members[member] !== undefined).map((member) => ({
    member,
    code: 'PRIVATE_KEY',
    detail: 'belongs to a private key; send the public one, and replace this key, since it has been sent',
  }));
}

function usageProblems({ use, key_ops, alg, kid }: Record<string, unknown>, type?: KeyType): JwkProblem[] {
  const problems: JwkProblem[] = [];
  if (use !== undefined && use !== 'sig') {
    problems.push({ member: 'use', code: 'NOT_FOR_SIGNATURES', detail: 'must be sig, or absent' });
  }
  if (key_ops !== undefined && !(Array.isArray(key_ops) && key_ops.includes('verify'))) {
    problems.push({ member: 'key_ops', code: 'NOT_FOR_SIGNATURES', detail: 'must include verify, or be absent' });
  }
  if (type !== undefined && alg !== undefined && !type.names.includes(alg as string)) {
    const detail = `must be ${type.names.join(' or ')} for this type of key, or absent`;
    problems.push({ member: 'alg', code: 'UNSUPPORTED_ALGORITHM', detail });
  }
  if (kid !== undefined && !(typeof kid === 'string' && kid.length > 0 && kid.length <= MAX_KID_LENGTH)) {
    problems.push({
      member: 'kid',
      code: 'INVALID_KID',
      detail: `must be a text of 1 to ${MAX_KID_LENGTH} characters`,
    });
  }
  return problems;
}

function importMaterial(members: Record<string, unknown>, type: KeyType): { key: KeyObject } | { problem: JwkProblem } {
  for (const member of type.material) {
    const value = members[member];
    if (typeof value !== 'string' || !BASE64URL.test(value)) {
      return { problem: { member, code: 'INVALID_KEY', detail: 'must be base64url without padding' } };
    }
  }
  // Only these members reach the importer, which would otherwise read private ones too.
  const material = Object.fromEntries(['kty', 'crv', ...type.material].map((name) => [name, members[name]]));
  const id = JSON.stringify(material);
  const standing = imported.get(id);
  if (standing !== undefined) return { key: standing };
  let key: KeyObject;
  try {
    // This also refuses points that are not on the curve.
    key = createPublicKey({ key: material as JsonWebKey, format: 'jwk' });
  } catch {
    return { problem: { code: 'INVALID_KEY', detail: 'its members do not make up a key of its type' } };
  }
  const problem = rsaProblem(key);
  if (problem !== undefined) return { problem };
  if (imported.size >= MOST_IMPORTED) imported.clear();
  imported.set(id, key);
  return { key };
}

function rsaProblem({ asymmetricKeyDetails }: KeyObject): JwkProblem | undefined {
  const { modulusLength, publicExponent } = asymmetricKeyDetails ?? {};
  if (modulusLength === undefined || publicExponent === undefined) return undefined;
  if (modulusLength < MIN_RSA_BITS) {
    return { member: 'n', code: 'RSA_TOO_SHORT', detail: `${modulusLength} bits; at least ${MIN_RSA_BITS} are needed` };
  }
  if (modulusLength > MAX_RSA_BITS) {
    return { member: 'n', code: 'RSA_TOO_LONG', detail: `${modulusLength} bits; at most ${MAX_RSA_BITS} are accepted` };
  }
  const isOdd = publicExponent % 2n === 1n;
  if (!isOdd || publicExponent < RSA_EXPONENT.min || publicExponent > RSA_EXPONENT.max) {
    return { member: 'e', code: 'RSA_WEAK_EXPONENT', detail: 'must be odd, from 3 to 2^32; 65537 (AQAB) is usual' };
  }
  return undefined;
}
