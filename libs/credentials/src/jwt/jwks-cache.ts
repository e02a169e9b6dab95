import { TransientError } from '@tickwire/errors';
import type { JwksSource } from './jwks-source.js';
import type { PublicKey } from './public-key.js';
import { readJwks } from './read-jwks.js';

export interface FetchedJwks {
  /** The answer's body. It should be cut off above 64 KiB; it is refused above in any case. */
  body: Buffer;
  /** `max-age` of Cache-Control, ms. */
  maxAgeMs?: number;
}

/**
 * Fetches a JWK Set. To be made of a client that guards against private addresses, follows no redirect, and rejects
 * on any status but 200.
 * @param signal aborted when nobody waits for the answer any more
 */
export type FetchJwks = (url: string, signal: AbortSignal) => Promise<FetchedJwks>;

export interface JwksCacheSettings {
  /** Sets kept; beyond it the one not used for longest goes. Default 1000. */
  maxUrls?: number;
  /** A fetch that takes longer has failed, ms. Default 5000. */
  fetchTimeoutMs?: number;
  /** Told of each fetch that failed, also where known keys still serve. */
  onFailure?: (url: string, error: Error) => void;
}

/** A set is asked for again after this time at the latest, so that a withdrawn key stops working, ms. */
export const MAX_AGE_MS = 10 * 60_000;
/** A set is kept at least so long, whatever its server says, ms. */
export const MIN_AGE_MS = 30_000;
/** While the URL cannot be read, the last set read serves up to this age, ms. */
export const MAX_STALE_AGE_MS = 60 * 60_000;
/** Unknown key ids make a set be fetched once in this time: anybody can invent one, ms. */
export const UNKNOWN_KID_COOLDOWN_MS = 30_000;
/** After a failure the URL is left alone for so long, ms. Above the timeout, so that a hanging server gets a rest. */
export const FAILURE_PAUSE_MS = 10_000;
/** For so long after a failure nobody waits for the next attempt who can be served without it, ms. */
const FAILING_MS = 60_000;

/** What is known of one URL. Times are callers' clocks, ms since the epoch. */
interface KnownSet {
  /** Undefined until the first success. */
  keys?: readonly PublicKey[];
  /** When the fetch that brought `keys` began. */
  fetchedAtMs: number;
  /** How long `keys` serve without another fetch. */
  maxAgeMs: number;
  /** When the last fetch began, if it failed. */
  failedAtMs?: number;
  failure?: Error;
  /** When an unknown key id last caused a fetch. */
  soughtAtMs?: number;
  inFlight?: Promise<void>;
}

/**
 * Published keys by URL. A set serves for 30 seconds to 10 minutes, as its server says; then the next caller fetches
 * it anew, and everybody else waits for that one fetch. A key id that is not in the set makes it be fetched at once,
 * at most every 30 seconds. While a URL fails, the last set serves for up to an hour and is asked for in the
 * background every 10 seconds; with nothing to serve, callers get a TransientError.
 */
export class JwksCache implements JwksSource {
  /** Least recently used first. */
  readonly #sets = new Map<string, KnownSet>();
  readonly #maxUrls: number;
  readonly #fetchTimeoutMs: number;

  constructor(
    private readonly fetchJwks: FetchJwks,
    private readonly settings: JwksCacheSettings = {},
  ) {
    this.#maxUrls = settings.maxUrls ?? 1000;
    this.#fetchTimeoutMs = settings.fetchTimeoutMs ?? 5000;
  }

  async keysAt(url: string, kid: string | undefined, nowMs: number): Promise<readonly PublicKey[]> {
    const set = this.#setAt(url);
    const known = servesFor(set, set.maxAgeMs, nowMs);
    if (known !== undefined) {
      if (kid === undefined || known.some((key) => key.kid === kid) || !this.#maySeek(set, nowMs)) return known;
      await this.#fetch(url, set, nowMs);
      return set.keys ?? known;
    }
    const stale = servesFor(set, MAX_STALE_AGE_MS, nowMs);
    const isFailing = failedWithin(set, FAILING_MS, nowMs);
    const mayFetch = set.inFlight !== undefined || !failedWithin(set, FAILURE_PAUSE_MS, nowMs);
    const fetched = mayFetch ? this.#fetch(url, set, nowMs) : undefined;
    // Whoever can be served does not wait for a server that was down a moment ago.
    if (isFailing && stale !== undefined) return stale;
    await fetched;
    const keys = servesFor(set, MAX_STALE_AGE_MS, nowMs);
    if (keys === undefined) throw nothingKnown(url, set.failure);
    return keys;
  }

  /** Joins a fetch under way; otherwise one every cooldown, and none while the URL rests. */
  #maySeek(set: KnownSet, nowMs: number): boolean {
    if (set.inFlight !== undefined) return true;
    if (failedWithin(set, FAILURE_PAUSE_MS, nowMs)) return false;
    if (set.soughtAtMs !== undefined && within(set.soughtAtMs, UNKNOWN_KID_COOLDOWN_MS, nowMs)) return false;
    set.soughtAtMs = nowMs;
    return true;
  }

  #setAt(url: string): KnownSet {
    const set = this.#sets.get(url) ?? { fetchedAtMs: 0, maxAgeMs: 0 };
    this.#sets.delete(url);
    this.#sets.set(url, set);
    if (this.#sets.size > this.#maxUrls) this.#sets.delete(this.#sets.keys().next().value!);
    return set;
  }

  /** One fetch at a time per URL. Never rejects: what came of it stands in the set. */
  #fetch(url: string, set: KnownSet, nowMs: number): Promise<void> {
    set.inFlight ??= this.#fetchInto(url, set, nowMs).finally(() => {
      set.inFlight = undefined;
    });
    return set.inFlight;
  }

  async #fetchInto(url: string, set: KnownSet, nowMs: number): Promise<void> {
    try {
      const { body, maxAgeMs } = await this.#fetchInTime(url);
      set.keys = readJwks(body);
      // The beginning of the fetch counts: what was withdrawn while it ran may be in the answer.
      set.fetchedAtMs = nowMs;
      set.maxAgeMs = boundedAge(maxAgeMs);
      set.failedAtMs = undefined;
      set.failure = undefined;
    } catch (error) {
      set.failedAtMs = nowMs;
      set.failure = error instanceof Error ? error : new Error(String(error));
      this.settings.onFailure?.(url, set.failure);
    }
  }

  async #fetchInTime(url: string): Promise<FetchedJwks> {
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no answer within ${this.#fetchTimeoutMs} ms`));
        abort.abort();
      }, this.#fetchTimeoutMs);
    });
    try {
      // The client's own timeout may not cover everything; callers must not hang with it.
      return await Promise.race([this.fetchJwks(url, abort.signal), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function servesFor({ keys, fetchedAtMs }: KnownSet, maxAgeMs: number, nowMs: number): readonly PublicKey[] | undefined {
  return keys !== undefined && within(fetchedAtMs, maxAgeMs, nowMs) ? keys : undefined;
}

function failedWithin({ failedAtMs }: KnownSet, ms: number, nowMs: number): boolean {
  return failedAtMs !== undefined && within(failedAtMs, ms, nowMs);
}

/** Less than `ms` apart. A clock that was set back by more must not keep old keys alive either. */
function within(sinceMs: number, ms: number, nowMs: number): boolean {
  return Math.abs(nowMs - sinceMs) < ms;
}

function boundedAge(maxAgeMs = MAX_AGE_MS): number {
  // Not a number: the header could not be read, and the set is asked for soon.
  return Number.isNaN(maxAgeMs) ? MIN_AGE_MS : Math.min(Math.max(maxAgeMs, MIN_AGE_MS), MAX_AGE_MS);
}

function nothingKnown(url: string, cause: Error | undefined): TransientError {
  // The host alone: a path or a query may hold what its owner keeps to himself.
  const host = URL.canParse(url) ? new URL(url).host : 'an invalid URL';
  return new TransientError(`No keys are known from ${host}: ${cause?.message ?? 'not asked yet'}`, { cause });
}
