import { TransientError } from '@tickwire/errors';
import type { JWK } from 'jose';
import { issuerWith, NOW_MS, REQUEST, SECRET, senderWith } from '../../fixtures/jwt-sender.js';
import { type FetchedJwks, JwksCache, type JwksCacheSettings, verifyJwt } from '../index.js';
import { FAILURE_PAUSE_MS, MAX_AGE_MS, MAX_STALE_AGE_MS, MIN_AGE_MS, UNKNOWN_KID_COOLDOWN_MS } from './jwks-cache.js';

const URL_ONE = 'https://one.example/keys';
const first = senderWith('ES256', 'first');
const second = senderWith('ES256', 'second');
const setOf = (...keys: unknown[]): FetchedJwks => ({ body: Buffer.from(JSON.stringify({ keys })) });
const kidsOf = (keys: readonly { kid?: string }[]) => keys.map(({ kid }) => kid);

/** A server of keys whose answer can be changed, and which counts how often it is asked. */
class KeyServer {
  answer: () => FetchedJwks | Promise<FetchedJwks> = () => setOf(first.publicJwk);
  readonly asked: string[] = [];
  readonly signals: AbortSignal[] = [];
  readonly failures: string[] = [];
  readonly cache: JwksCache;

  constructor(settings: JwksCacheSettings = {}) {
    this.cache = new JwksCache(
      async (url, signal) => {
        this.asked.push(url);
        this.signals.push(signal);
        return this.answer();
      },
      { onFailure: (_, { message }) => this.failures.push(message), ...settings },
    );
  }

  publish(...keys: JWK[]): void {
    this.answer = () => setOf(...keys);
  }

  fail(message = 'unreachable'): void {
    this.answer = () => Promise.reject(new Error(message));
  }

  /** Lets a fetch in the background come to its end. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async kidsAt(afterMs: number, kid?: string): Promise<(string | undefined)[]> {
    return kidsOf(await this.cache.keysAt(URL_ONE, kid, NOW_MS + afterMs));
  }
}

describe('how long a set serves', () => {
  it.each([
    ['10 minutes without Cache-Control', undefined, MAX_AGE_MS],
    ['as long as its server says', 120_000, 120_000],
    ['30 seconds at least', 0, MIN_AGE_MS],
    ['30 seconds, if what its server says is no number', NaN, MIN_AGE_MS],
    ['10 minutes at most', 86_400_000, MAX_AGE_MS],
  ])('%s', async (_, maxAgeMs, servedMs) => {
    const server = new KeyServer();
    server.answer = () => ({ ...setOf(first.publicJwk), maxAgeMs });
    await server.kidsAt(0);
    server.publish(second.publicJwk);
    expect(await server.kidsAt(servedMs - 1)).toEqual(['first']);
    expect(server.asked).toHaveLength(1);
    expect(await server.kidsAt(servedMs)).toEqual(['second']);
    expect(server.asked).toHaveLength(2);
  });

  it('is not made longer by a clock that was set back', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    server.publish(second.publicJwk);
    expect(await server.kidsAt(-MAX_AGE_MS)).toEqual(['second']);
  });

  it('is counted for each URL by itself', async () => {
    const server = new KeyServer();
    await server.cache.keysAt('https://one.example/', undefined, NOW_MS);
    await server.cache.keysAt('https://two.example/', undefined, NOW_MS);
    await server.cache.keysAt('https://one.example/', undefined, NOW_MS);
    expect(server.asked).toEqual(['https://one.example/', 'https://two.example/']);
  });
});

describe('rotation', () => {
  const remote = issuerWith({ jwksUrl: URL_ONE });
  const verifyAt = async (server: KeyServer, sender: typeof first, afterMs: number) => {
    const request = { ...REQUEST, nowMs: NOW_MS + afterMs };
    const token = await sender.sign({ exp: NOW_MS / 1000 + 7200 });
    return (await verifyJwt(token, [remote], server.cache, request)).ok;
  };

  it('finds a new key at once, and keeps the old one while it is published', async () => {
    const server = new KeyServer();
    expect(await verifyAt(server, first, 0)).toBe(true);
    server.publish(first.publicJwk, second.publicJwk);
    expect(await verifyAt(server, second, 1)).toBe(true);
    expect(await verifyAt(server, first, 2)).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  it('stops accepting a withdrawn key when its set has aged', async () => {
    const server = new KeyServer();
    expect(await verifyAt(server, first, 0)).toBe(true);
    server.publish(second.publicJwk);
    expect(await verifyAt(server, first, MAX_AGE_MS - 1)).toBe(true);
    expect(await verifyAt(server, first, MAX_AGE_MS)).toBe(false);
  });

  it('stops accepting everything when an empty set is published', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    server.publish();
    expect(await server.kidsAt(MAX_AGE_MS)).toEqual([]);
  });

  it('asks again for an unknown key id once in 30 seconds, whoever invents them', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    for (let n = 0; n < 50; n += 1) await server.kidsAt(1 + n, `invented-${n}`);
    expect(server.asked).toHaveLength(2);
    await server.kidsAt(UNKNOWN_KID_COOLDOWN_MS, 'invented');
    expect(server.asked).toHaveLength(2);
    await server.kidsAt(UNKNOWN_KID_COOLDOWN_MS + 1, 'invented');
    expect(server.asked).toHaveLength(3);
  });

  it('does not ask twice when the first set read does not have the key', async () => {
    const server = new KeyServer();
    expect(await server.kidsAt(0, 'invented')).toEqual(['first']);
    expect(server.asked).toHaveLength(1);
  });

  it('keeps the known keys when the search for an unknown one fails', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    server.fail();
    expect(await server.kidsAt(1, 'invented')).toEqual(['first']);
    expect(await server.kidsAt(2)).toEqual(['first']);
  });
});

describe('many at once', () => {
  it('100 verifications make one fetch', async () => {
    const server = new KeyServer();
    const token = await first.sign();
    const issuers = [issuerWith({ jwksUrl: URL_ONE })];
    const verdicts = await Promise.all(
      Array.from({ length: 100 }, () => verifyJwt(token, issuers, server.cache, REQUEST)),
    );
    expect(verdicts.every(({ ok }) => ok)).toBe(true);
    expect(server.asked).toHaveLength(1);
  });

  it('100 with unknown key ids make one fetch, and known ones do not wait for it', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    let publish: (answer: FetchedJwks) => void = () => undefined;
    server.answer = () => new Promise((resolve) => (publish = resolve));
    const waiting = Array.from({ length: 100 }, (_, n) => server.kidsAt(1, n === 0 ? 'second' : `invented-${n}`));
    expect(await server.kidsAt(1, 'first')).toEqual(['first']);
    publish(setOf(first.publicJwk, second.publicJwk));
    expect((await Promise.all(waiting)).every((kids) => kids.includes('second'))).toBe(true);
    expect(server.asked).toHaveLength(2);
  });

  it('100 failures are one fetch too, and leave nothing behind that blocks the next', async () => {
    const server = new KeyServer();
    server.fail();
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => server.kidsAt(0)));
    expect(results.every(({ status }) => status === 'rejected')).toBe(true);
    expect(server.asked).toHaveLength(1);
    server.publish(first.publicJwk);
    expect(await server.kidsAt(FAILURE_PAUSE_MS)).toEqual(['first']);
  });
});

describe('a URL that fails', () => {
  const garbled: [string, () => FetchedJwks | Promise<FetchedJwks>][] = [
    ['cannot be reached', () => Promise.reject(new Error('ECONNREFUSED'))],
    ['redirects', () => Promise.reject(new Error('status 302'))],
    ['throws what is no error', () => Promise.reject('down')],
    ['answers HTML', () => ({ body: Buffer.from('<html></html>') })],
    ['answers nothing', () => ({ body: Buffer.alloc(0) })],
    ['answers JSON that is no set', () => ({ body: Buffer.from('{"keys":{}}') })],
    ['answers null', () => ({ body: Buffer.from('null') })],
    ['answers no UTF-8', () => ({ body: Buffer.from('{"keys":[],"x":"\u00e9"}', 'latin1') })],
    ['answers more than 64 KiB', () => ({ body: Buffer.from(`{"keys":[]}${' '.repeat(65_536)}`) })],
    ['answers more than 100 keys', () => setOf(...Array.from({ length: 101 }, () => first.publicJwk))],
    ['answers without a body', () => ({}) as FetchedJwks],
  ];

  it.each(garbled)('is unknown while it %s, and its known keys still serve', async (_, answer) => {
    const unknown = new KeyServer();
    unknown.answer = answer;
    await expect(unknown.kidsAt(0)).rejects.toThrow(TransientError);
    const known = new KeyServer();
    await known.kidsAt(0);
    known.answer = answer;
    expect(await known.kidsAt(MAX_AGE_MS)).toEqual(['first']);
    expect(known.failures).toHaveLength(1);
  });

  it('takes a set of 64 KiB and of 100 keys', async () => {
    const server = new KeyServer();
    server.answer = () => ({ body: Buffer.from('{"keys":[]}'.padEnd(65_536)) });
    expect(await server.kidsAt(0)).toEqual([]);
    server.publish(...Array.from({ length: 100 }, () => first.publicJwk));
    expect(await server.kidsAt(MAX_AGE_MS)).toHaveLength(100);
  });

  it('is given up, and told to stop, when it hangs', async () => {
    const server = new KeyServer({ fetchTimeoutMs: 20 });
    server.answer = () => new Promise<FetchedJwks>(() => undefined);
    await expect(server.kidsAt(0)).rejects.toThrow('one.example: no answer within 20 ms');
    expect(server.signals[0]!.aborted).toBe(true);
  });

  it('serves its last set for an hour, and is refused then', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    server.fail();
    expect(await server.kidsAt(MAX_STALE_AGE_MS - 1)).toEqual(['first']);
    await expect(server.kidsAt(MAX_STALE_AGE_MS)).rejects.toThrow(TransientError);
  });

  it('rests for 10 seconds after a failure, with or without known keys', async () => {
    const unknown = new KeyServer();
    unknown.fail();
    await expect(unknown.kidsAt(0)).rejects.toThrow('unreachable');
    await expect(unknown.kidsAt(FAILURE_PAUSE_MS - 1)).rejects.toThrow('unreachable');
    expect(unknown.asked).toHaveLength(1);
    await expect(unknown.kidsAt(FAILURE_PAUSE_MS)).rejects.toThrow('unreachable');
    expect(unknown.asked).toHaveLength(2);

    const known = new KeyServer();
    await known.kidsAt(0);
    known.fail();
    for (const afterMs of [0, 1, FAILURE_PAUSE_MS - 1]) await known.kidsAt(MAX_AGE_MS + afterMs, 'invented');
    expect(known.asked).toHaveLength(2);
  });

  it('keeps nobody waiting whom the last set serves, and is back once it answers', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    server.fail();
    await server.kidsAt(MAX_AGE_MS);
    let publish: (answer: FetchedJwks) => void = () => undefined;
    server.answer = () => new Promise((resolve) => (publish = resolve));
    expect(await server.kidsAt(MAX_AGE_MS + FAILURE_PAUSE_MS)).toEqual(['first']);
    publish(setOf(second.publicJwk));
    await server.settle();
    expect(await server.kidsAt(MAX_AGE_MS + FAILURE_PAUSE_MS + 1)).toEqual(['second']);
    expect(server.asked).toHaveLength(3);
  });

  it('is waited for again when its failure is long past, so that a withdrawn key does not serve once more', async () => {
    const server = new KeyServer();
    await server.kidsAt(0);
    server.fail();
    await server.kidsAt(1, 'invented');
    server.publish(second.publicJwk);
    expect(await server.kidsAt(MAX_STALE_AGE_MS - 1)).toEqual(['second']);
  });

  it('tells its host alone', async () => {
    const server = new KeyServer();
    server.fail();
    const refused = server.cache.keysAt('https://id.example/tenant-7/keys?code=hidden', undefined, NOW_MS);
    await expect(refused).rejects.toThrow(/^No keys are known from id\.example: unreachable$/);
  });
});

describe('what a set holds', () => {
  it('is used key by key: what cannot verify is left out', async () => {
    const server = new KeyServer();
    const rsa = senderWith('RS256', 'rsa');
    const unusable = [
      null,
      'text',
      { ...first.publicJwk, kid: 'for encryption', use: 'enc' },
      { ...rsa.publicJwk, kid: 'another algorithm', alg: 'RSA-OAEP-256' },
      { kty: 'oct', kid: 'symmetric', k: SECRET.toString('base64url') },
      { ...first.publicJwk, kid: 'private', d: 'AAAA' },
      { kty: 'AKP', kid: 'of tomorrow', alg: 'ML-DSA-44', pub: 'AAAA' },
      { ...first.publicJwk, kid: 'off the curve', x: first.publicJwk.y },
    ];
    server.answer = () => setOf(...unusable, first.publicJwk, rsa.publicJwk);
    expect(await server.kidsAt(0)).toEqual(['first', 'rsa']);
  });

  it('imports a key once, also from sets read later', async () => {
    const server = new KeyServer();
    const [before] = await server.cache.keysAt(URL_ONE, undefined, NOW_MS);
    server.publish({ ...first.publicJwk });
    const [after] = await server.cache.keysAt(URL_ONE, undefined, NOW_MS + MAX_AGE_MS);
    expect(server.asked).toHaveLength(2);
    expect(after!.key).toBe(before!.key);
  });

  it('is forgotten for the URL least recently used, beyond the number of URLs kept', async () => {
    const server = new KeyServer({ maxUrls: 2 });
    const ask = (name: string) => server.cache.keysAt(`https://${name}.example/`, undefined, NOW_MS);
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await ask(name);
    expect(server.asked.map((url) => new URL(url).hostname[0])).toEqual(['a', 'b', 'c', 'b']);
  });
});
