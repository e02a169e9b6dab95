import http from 'node:http';
import { Duplex } from 'node:stream';
import fc from 'fast-check';
import { KEPT_HEADERS } from '../callbacks/attempt-outcome.js';
import { ResponseParser } from './response-parser.js';

interface Reading {
  status: number;
  headers: Record<string, string>;
  body: string;
}

const MAX_BODY = 10_000;

/** @returns undefined for what is refused, else the answer and the bytes that belong to it */
function readHere(bytes: Buffer): [Reading, Buffer] | undefined {
  const parser = new ResponseParser();
  parser.begin('POST', MAX_BODY);
  const used = parser.read(bytes, bytes.length);
  parser.end();
  if (parser.progress !== 'complete') return undefined;
  const body = parser.takeBody().toString('latin1');
  return [{ status: parser.status, headers: parser.headers, body }, bytes.subarray(0, used)];
}

/** What `node:http`, whose parser is llhttp, makes of these bytes and the end of the connection after them. */
function readByNode(bytes: Buffer): Promise<Reading | undefined> {
  return new Promise((resolve) => {
    const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const request = http.request({ method: 'POST', createConnection: () => socket }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => resolve(undefined));
      response.on('end', () => {
        const headers: Record<string, string> = {};
        for (const name of KEPT_HEADERS) {
          const values = response.headersDistinct[name];
          if (values) headers[name] = values.join(', ');
        }
        resolve({ status: response.statusCode!, headers, body: Buffer.concat(chunks).toString('latin1') });
      });
    });
    request.on('error', () => resolve(undefined));
    request.on('upgrade', () => resolve(undefined));
    request.end(() => {
      socket.push(bytes);
      socket.push(null);
    });
  });
}

const letters = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'abcXYZ-09'), minLength: 1, maxLength });
const name = fc
  .oneof(letters(12), fc.constantFrom('Content-Type', 'LOCATION', 'retry-after', 'cache-control', 'Date'))
  .filter((each) => !/^(?:content-length|transfer-encoding|connection|upgrade)$/i.test(each));
const value = fc.string({ unit: fc.constantFrom(...'ab 1,;="\t\xe9/'), maxLength: 20 });
const interim = fc.constantFrom('', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n');
const extension = fc.constantFrom('', ';x=y', ';z');
const data = fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 });

const parts = fc.record({
  interim,
  status: fc.oneof(fc.constantFrom(200, 204, 304, 404, 503), fc.integer({ min: 200, max: 599 })),
  reason: fc.constantFrom(' OK', ' ', '', ' a b c'),
  headers: fc.array(fc.tuple(name, value), { maxLength: 6 }),
  framing: fc.constantFrom('length', 'chunks', 'end'),
  chunks: fc.array(fc.tuple(data, extension), { maxLength: 5 }),
  trailers: fc.array(fc.tuple(name, value), { maxLength: 2 }),
  minor: fc.constantFrom(1, 1, 1, 0),
});
type Parts = typeof parts extends fc.Arbitrary<infer T> ? T : never;

function toText({ interim, status, reason, headers, framing, chunks, trailers, minor }: Parts): string {
  const lines = (pairs: [string, string][]): string => pairs.map(([n, v]) => `${n}: ${v}\r\n`).join('');
  const hasBody = status !== 204 && status !== 304;
  const body = chunks.map(([data]) => data).join('');
  const inChunks = chunks.map(([data, extension]) => `${data.length.toString(16)}${extension}\r\n${data}\r\n`).join('');
  const framed = {
    length: [`content-length: ${body.length}\r\n`, body],
    chunks: ['Transfer-Encoding: chunked\r\n', `${inChunks}0\r\n${lines(trailers)}\r\n`],
    end: ['', body],
  }[framing] as [string, string];
  return `${interim}HTTP/1.${minor} ${status}${reason}\r\n${lines(headers)}${framed[0]}\r\n${hasBody ? framed[1] : ''}`;
}

const answer = parts.map(toText);
/** Within extensions, which we ignore, llhttp refuses what RFC 9112 allows, such as blanks. */
const withoutExtensions = parts.map(({ chunks, ...others }) =>
  toText({ ...others, chunks: chunks.map(([data]) => [data, '']) }),
);

/** Bytes that often make a difference, at places where they do. */
const damaged = fc
  .tuple(
    withoutExtensions,
    fc.array(fc.tuple(fc.nat(150), fc.constantFrom('', '\r', '\n', '\0', ' ', ':', ',', 'f', '0', '\r\n'), fc.nat(2)), {
      minLength: 1,
      maxLength: 3,
    }),
  )
  .map(([whole, damages]) =>
    damages.reduce((all, [at, by, less]) => `${all.slice(0, at)}${by}${all.slice(at + less)}`, whole),
  );

describe('ResponseParser and node:http', () => {
  it('read every valid answer alike', async () => {
    await fc.assert(
      fc.asyncProperty(answer, async (text) => {
        const bytes = Buffer.from(text, 'latin1');
        const [reading, used] = readHere(bytes) ?? [];
        expect(used).toEqual(bytes);
        expect(reading).toEqual(await readByNode(bytes));
      }),
      { numRuns: 400 },
    );
  });

  it('never differ on what is damaged, except that we refuse more', async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(damaged, async (text) => {
        const bytes = Buffer.from(text, 'latin1');
        const here = readHere(bytes);
        if (here === undefined) return;
        read += 1;
        expect(here[0]).toEqual(await readByNode(here[1]));
      }),
      { numRuns: 1_500 },
    );
    expect(read).toBeGreaterThan(100);
  });
});
