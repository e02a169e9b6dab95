import fc from 'fast-check';
import { MAX_HEAD_BYTES, MAX_INTERIM_ANSWERS, ResponseParser } from './response-parser.js';
import type { Method } from './response-parser.js';

const MAX_BODY = 1_000;

interface Reading {
  progress: string;
  status: number;
  headers: Record<string, string>;
  body: string;
  persists: boolean;
  keepAliveS: number | undefined;
  /** Bytes that did not belong to the answer. */
  rest: number;
}

/** Reads pieces through one buffer that is overwritten for each, as sockets do it. */
function readPieces(pieces: Buffer[], method: Method = 'POST', ended = false): Reading {
  const parser = new ResponseParser();
  parser.begin(method, MAX_BODY);
  const shared = Buffer.alloc(Math.max(1, ...pieces.map((piece) => piece.length)));
  let used = 0;
  for (const piece of pieces) {
    shared.fill(0xee);
    piece.copy(shared);
    used += parser.read(shared, piece.length);
    if (parser.progress !== 'incomplete') break;
  }
  if (ended && parser.progress === 'incomplete') parser.end();
  const { progress, status, headers, persists, keepAliveS } = parser;
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const body = progress === 'complete' ? parser.takeBody().toString('latin1') : '';
  return { progress, status, headers, body, persists, keepAliveS, rest: length - used };
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const read = (text: string, method?: Method): Reading => readPieces([bytesOf(text)], method);
const head = (...lines: string[]): string => [...lines, '', ''].join('\r\n');
const ok = (...headers: string[]): string => head('HTTP/1.1 200 OK', ...headers);

describe('ResponseParser', () => {
  describe('reads', () => {
    it('a body of announced length, and the headers that are kept', () => {
      const reading = read(
        `${ok('Content-Type: application/json', 'X-Other: 1', 'CONTENT-LENGTH:2', 'Retry-After: \t 7 \t')}ok`,
      );
      expect(reading).toEqual({
        progress: 'complete',
        status: 200,
        headers: { 'content-type': 'application/json', 'retry-after': '7' },
        body: 'ok',
        persists: true,
        keepAliveS: undefined,
        rest: 0,
      });
    });

    it.each([
      ['in chunks', `${ok('transfer-encoding: chunked')}2\r\nab\r\n001\r\nc\r\n0\r\n\r\n`, 'abc'],
      ['in chunks, by another spelling', `${ok('Transfer-Encoding: Chunked')}1\r\na\r\n0\r\n\r\n`, 'a'],
      ['with extensions', `${ok('transfer-encoding: chunked')}1;a=b;c="d"\r\nx\r\n0;e\r\n\r\n`, 'x'],
      [
        'with trailers',
        `${ok('transfer-encoding: chunked')}A\r\n0123456789\r\n0\r\nlocation: /x\r\ny:\r\n\r\n`,
        '0123456789',
      ],
      ['of no bytes', ok('content-length: 0'), ''],
      [
        'after interim answers',
        `${head('HTTP/1.1 100 Continue')}${head('HTTP/1.1 103 x', 'location: /y')}${ok('content-length: 1')}z`,
        'z',
      ],
      ['with bytes of every kind', `${ok('content-length: 4')}\0\r\n\xff`, '\0\r\n\xff'],
    ])('a body %s', (_, text, body) => {
      expect(read(text)).toMatchObject({
        progress: 'complete',
        status: 200,
        headers: {},
        body,
        persists: true,
        rest: 0,
      });
    });

    it.each([
      ['status without reason', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n'],
      ['an empty reason', 'HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n'],
      ['a reason in Latin-1', 'HTTP/1.1 200 Tr\xe8s bien\r\ncontent-length: 0\r\n\r\n'],
      ['empty and strange headers', `${ok('x:', '!#$%&\'*+-.^_`|~: "\t\xff"', 'content-length: 0')}`],
    ])('%s', (_, text) => expect(read(text)).toMatchObject({ progress: 'complete', status: 200 }));

    it.each<[string, string, Method]>([
      ['204', head('HTTP/1.1 204 No Content', 'content-length: 5'), 'POST'],
      ['304', head('HTTP/1.1 304 Not Modified', 'content-length: 50000'), 'GET'],
      ['HEAD', ok('content-length: 50000'), 'HEAD'],
      ['HEAD, chunked', ok('transfer-encoding: chunked'), 'HEAD'],
    ])('no body after %s', (_, text, method) => {
      expect(read(text, method)).toMatchObject({ progress: 'complete', body: '', persists: true });
    });

    it('a body that ends with the connection, which serves nobody after that', () => {
      expect(readPieces([bytesOf(ok()), bytesOf('ab'), bytesOf('c')])).toMatchObject({ progress: 'incomplete' });
      expect(readPieces([bytesOf(ok()), bytesOf('ab'), bytesOf('c')], 'POST', true)).toMatchObject({
        progress: 'complete',
        body: 'abc',
        persists: false,
      });
    });

    it('headers that are repeated', () => {
      expect(read(ok('cache-control: a', 'Cache-Control: b', 'content-length: 0')).headers).toEqual({
        'cache-control': 'a, b',
      });
    });

    it('one answer, and leaves what follows', () => {
      expect(read(`${ok('content-length: 2')}ok${ok()}`)).toMatchObject({ progress: 'complete', body: 'ok', rest: 19 });
    });

    it('several answers, one after the other', () => {
      const parser = new ResponseParser();
      for (const body of ['one', '', 'three']) {
        parser.begin('POST', MAX_BODY);
        const bytes = bytesOf(`${ok(`content-length: ${body.length}`)}${body}`);
        expect(parser.read(bytes, bytes.length)).toBe(bytes.length);
        expect([parser.progress, parser.takeBody().toString()]).toEqual(['complete', body]);
        expect(parser.takeBody()).toHaveLength(0);
      }
    });
  });

  describe('tells whether the connection stays', () => {
    it.each([
      ['connection: close', false],
      ['Connection: Close', false],
      ['connection: x, CLOSE ,y', false],
      ['connection: closed', true],
      ['connection: not close', true],
      ['connection: keep-alive', true],
      ['x: y', true],
    ])('%s', (line, persists) => expect(read(ok(line, 'content-length: 0')).persists).toBe(persists));

    it('HTTP/1.0 never does', () => {
      expect(read(head('HTTP/1.0 200 OK', 'connection: keep-alive', 'content-length: 0'))).toMatchObject({
        progress: 'complete',
        persists: false,
      });
    });

    it.each([
      ['timeout=5', 5],
      ['max=100, timeout=12', 12],
      ['TIMEOUT=0', 0],
      ['timeout=', undefined],
      ['xtimeout=5', undefined],
    ])('keep-alive: %s', (value, keepAliveS) => {
      expect(read(ok(`keep-alive: ${value}`, 'content-length: 0')).keepAliveS).toBe(keepAliveS);
    });
  });

  describe('refuses', () => {
    const chunked = ok('transfer-encoding: chunked');
    it.each([
      ['another protocol', 'SSH-2.0-OpenSSH_9.6\r\n'],
      ['another protocol, at the first byte', 'S'],
      ['an empty line first', `\r\n${ok()}`],
      ['HTTP/2', 'HTTP/2 200'],
      ['HTTP/1.2', 'HTTP/1.2'],
      ['lower case', 'http/1.1'],
      ['two spaces', 'HTTP/1.1  200 OK'],
      ['two digits', 'HTTP/1.1 20 OK'],
      ['four digits', 'HTTP/1.1 2000 OK'],
      ['a status from 0', 'HTTP/1.1 099'],
      ['a control character in the reason', 'HTTP/1.1 200 O\0K'],
      ['a bare LF after the status', 'HTTP/1.1 200 OK\n'],
      ['a bare LF after a header', 'HTTP/1.1 200 OK\r\nx: y\n'],
      ['a bare CR', 'HTTP/1.1 200 OK\r\nx: y\rz'],
      ['a bare LF at the end', 'HTTP/1.1 200 OK\r\nx: y\r\n\n'],
      ['a CR alone at the end', 'HTTP/1.1 200 OK\r\nx: y\r\n\rz'],
      ['NUL in a value', 'HTTP/1.1 200 OK\r\nx: a\0b'],
      ['DEL in a value', 'HTTP/1.1 200 OK\r\nx: a\x7fb'],
      ['a folded header', 'HTTP/1.1 200 OK\r\nx: y\r\n z'],
      ['a folded status', 'HTTP/1.1 200 OK\r\n\tz'],
      ['a blank before the colon', 'HTTP/1.1 200 OK\r\ncontent-length : 1'],
      ['no colon', 'HTTP/1.1 200 OK\r\nnothing\r\n'],
      ['no name', 'HTTP/1.1 200 OK\r\n: x'],
      ['a name that is none', 'HTTP/1.1 200 OK\r\nx(y): z'],
      ['a name beyond ASCII', 'HTTP/1.1 200 OK\r\nx\xe9: z'],
      ['an interim answer of HTTP/1.0', head('HTTP/1.0 103 x')],
      ['an interim answer that ends the connection', head('HTTP/1.1 103 x', 'connection: close')],
      ['an upgrade', head('HTTP/1.1 101 Switching Protocols', 'upgrade: h2c')],
      ['two lengths that differ', ok('content-length: 1', 'content-length: 2')],
      ['two lengths that agree', ok('content-length: 1', 'content-length: 1')],
      ['a list of lengths', ok('content-length: 1, 1')],
      ['a signed length', ok('content-length: +1')],
      ['a negative length', ok('content-length: -1')],
      ['a hexadecimal length', ok('content-length: 0x1')],
      ['no length', ok('content-length: ')],
      ['a length beyond numbers', ok('content-length: 9999999999999999')],
      ['a length beside chunks', ok('content-length: 1', 'transfer-encoding: chunked')],
      ['chunks beside a length', ok('transfer-encoding: chunked', 'content-length: 1')],
      ['both, for a status without body', head('HTTP/1.1 204 x', 'transfer-encoding: chunked', 'content-length: 1')],
      ['another coding', ok('transfer-encoding: gzip')],
      ['stacked codings', ok('transfer-encoding: gzip, chunked')],
      ['chunks twice', ok('transfer-encoding: chunked, chunked')],
      ['chunks twice, in two lines', ok('transfer-encoding: chunked', 'transfer-encoding: chunked')],
      ['chunks that are none', ok('transfer-encoding: xchunked')],
      ['identity', ok('transfer-encoding: identity')],
      ['a chunk without size', `${chunked}\r\n`],
      ['an extension without size', `${chunked};a`],
      ['a size that is none', `${chunked}g`],
      ['a size with a sign', `${chunked}+1`],
      ['a size with a prefix', `${chunked}0x1`],
      ['a size with a blank', `${chunked}1 \r\n`],
      ['a size of many zeros', `${chunked}${'0'.repeat(17)}`],
      ['a size with a bare LF', `${chunked}1\n`],
      ['a chunk that is longer', `${chunked}1\r\nab`],
      ['a chunk with a bare LF', `${chunked}1\r\na\n`],
      ['a chunk with a CR alone', `${chunked}1\r\na\rx`],
      ['a control character in an extension', `${chunked}1;\0`],
      ['a bare LF in an extension', `${chunked}1;a\n`],
      ['a trailer that is none', `${chunked}0\r\nx y`],
    ])('%s', (_, text) => {
      expect(read(text)).toMatchObject({ progress: 'invalid', body: '' });
      const all = bytesOf(text);
      expect(readPieces(Array.from(all, (byte) => Buffer.of(byte)))).toMatchObject({ progress: 'invalid' });
    });

    it('a head without end, a byte beyond the limit', () => {
      const fits = `HTTP/1.1 204 x\r\nx: ${'y'.repeat(MAX_HEAD_BYTES - 23)}\r\n\r\n`;
      expect(fits).toHaveLength(MAX_HEAD_BYTES);
      expect(read(fits).progress).toBe('complete');
      const tooLong = fits.replace('y', 'yy');
      expect(read(tooLong).progress).toBe('invalid');
      expect(readPieces(Array.from(bytesOf(tooLong), (byte) => Buffer.of(byte))).progress).toBe('invalid');
    });

    it.each([
      ['trailers', `0\r\n${'x: y\r\n'.repeat(3_000)}`],
      ['extensions', `1;${'x'.repeat(10_000)}\r\na\r\n1;${'x'.repeat(10_000)}\r\n`],
      ['a name', `0\r\n${'x'.repeat(20_000)}`],
    ])('%s without end', (_, text) => expect(read(`${chunked}${text}`).progress).toBe('invalid'));

    it('interim answers without end', () => {
      const interim = head('HTTP/1.1 102 Processing', 'x: y');
      expect(read(`${interim.repeat(MAX_INTERIM_ANSWERS)}${ok('content-length: 0')}`).progress).toBe('complete');
      expect(read(interim.repeat(MAX_INTERIM_ANSWERS + 1)).progress).toBe('invalid');
    });

    it('quickly what is made to be slow', () => {
      const blanks = `${' '.repeat(8_000)}x`;
      const startedAt = performance.now();
      for (const name of ['content-type', 'connection', 'keep-alive', 'transfer-encoding']) {
        read(ok(`${name}: x${blanks}`, `y: ${blanks}`));
        read(ok(`${name}: ${',close x'.repeat(1_500)}`));
      }
      expect(performance.now() - startedAt).toBeLessThan(500);
    });
  });

  describe('gives up on a body that is too long', () => {
    it.each([
      ['announced', ok(`content-length: ${MAX_BODY + 1}`)],
      ['announced by a chunk', `${ok('transfer-encoding: chunked')}3e9`],
      ['announced by a chunk beyond numbers', `${ok('transfer-encoding: chunked')}ffffffffffffffff\r\n`],
      ['in chunks', `${ok('transfer-encoding: chunked')}3e8\r\n${'x'.repeat(1_000)}\r\n1`],
      ['without announcement', `${ok()}${'x'.repeat(MAX_BODY + 1)}`],
    ])('%s', (_, text) => expect(read(text)).toMatchObject({ progress: 'too_large', status: 200 }));

    it('not a byte too early', () => {
      const body = 'x'.repeat(MAX_BODY);
      expect(read(`${ok(`content-length: ${MAX_BODY}`)}${body}`)).toMatchObject({ progress: 'complete', body });
      expect(read(`${ok('transfer-encoding: chunked')}3e8\r\n${body}\r\n0\r\n\r\n`)).toMatchObject({ body });
      expect(readPieces([bytesOf(ok()), bytesOf(body)], 'POST', true)).toMatchObject({ progress: 'complete', body });
    });
  });

  /** Pieces of answers, in an order that makes sense more often than not. */
  const line = fc.constantFrom(
    ...[
      'content-length: 3',
      'Transfer-Encoding: chunked',
      'connection: close',
      'keep-alive: timeout=3',
      'x-y: z',
      'location: /a',
      'location: \t/b ',
    ],
  );
  const text = fc
    .tuple(
      fc.constantFrom('', head('HTTP/1.1 100 Continue'), head('HTTP/1.1 103 Hints', 'location: /hint')),
      fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.0 404', 'HTTP/1.1 204 None', 'HTTP/1.1 503 \xe9'),
      fc.array(line, { maxLength: 4 }),
      fc.constantFrom('abc', '', '3\r\nabc\r\n0\r\n\r\n', '1;x=y\r\na\r\n2\r\nbc\r\n0\r\nt: u\r\n\r\n', '\r\n', 'abcd'),
    )
    .map(([interim, status, lines, body]) => `${interim}${head(status, ...lines)}${body}`);
  /** The same with a few bytes changed, left out or added. */
  const damaged = fc
    .tuple(
      text,
      fc.array(
        fc.tuple(fc.nat(200), fc.constantFrom('', '\r', '\n', '\0', ' ', ':', 'a', '9', ',', ';', '\xff'), fc.nat(1)),
      ),
    )
    .map(([whole, damages]) =>
      damages.reduce((all, [at, by, more]) => `${all.slice(0, at)}${by}${all.slice(at + more)}`, whole),
    );
  const cut = (bytes: Buffer, at: number[]): Buffer[] => {
    const places = [0, ...at.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
    return places.slice(1).map((place, index) => bytes.subarray(places[index], place));
  };

  it('makes the same of the same bytes, wherever they are cut', () => {
    fc.assert(
      fc.property(
        fc.oneof(text, damaged),
        fc.array(fc.nat(500), { maxLength: 6 }),
        fc.boolean(),
        (whole, at, ended) => {
          const bytes = bytesOf(whole);
          const expected = readPieces([bytes], 'POST', ended);
          expect(readPieces(cut(bytes, at), 'POST', ended)).toEqual(expected);
          expect(
            readPieces(
              Array.from(bytes, (byte) => Buffer.of(byte)),
              'POST',
              ended,
            ),
          ).toEqual(expected);
        },
      ),
      { numRuns: 1_500 },
    );
  });

  it('comes to a verdict on any bytes, and holds no more than it may', () => {
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.from(bytes)),
      fc.uint8Array({ maxLength: 3_000 }).map((bytes) => Buffer.concat([bytesOf(ok()), bytes])),
      fc
        .uint8Array({ maxLength: 300 })
        .map((bytes) => Buffer.concat([bytesOf(ok('transfer-encoding: chunked')), bytes])),
      damaged.map(bytesOf),
    );
    fc.assert(
      fc.property(anything, fc.array(fc.nat(3_000), { maxLength: 4 }), (bytes, at) => {
        const reading = readPieces(cut(bytes, at), 'POST', true);
        expect(['incomplete', 'complete', 'invalid', 'too_large']).toContain(reading.progress);
        expect(reading.body.length).toBeLessThanOrEqual(MAX_BODY);
        expect(reading.rest).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });
});
