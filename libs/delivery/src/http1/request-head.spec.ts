import fc from 'fast-check';
import { InvalidHeader, callerLines, commonLines, hostLine, isRequestPath, requestHead } from './request-head.js';

describe('requestHead', () => {
  const lines = hostLine('bot.example.com:8443') + commonLines('Tickwire/1');

  it('is the request line, the lines of the client, those of the caller as they are, and the length', () => {
    const head = requestHead('POST', '/hook?a=b', lines + callerLines({ 'X-Tick': '1', 'content-TYPE': 'a/b' }), 12);
    expect(head.split('\r\n')).toEqual([
      'POST /hook?a=b HTTP/1.1',
      'host: bot.example.com:8443',
      'connection: keep-alive',
      'user-agent: Tickwire/1',
      'accept-encoding: identity',
      'X-Tick: 1',
      'content-TYPE: a/b',
      'content-length: 12',
      '',
      '',
    ]);
  });

  it('announces an empty body, but none where there is none', () => {
    expect(requestHead('POST', '/', lines, 0)).toMatch(/\r\ncontent-length: 0\r\n\r\n$/);
    expect(requestHead('GET', '/', lines)).not.toMatch(/content-length/);
  });

  it.each([
    ...['host', 'Connection', 'ACCEPT-ENCODING', 'Content-Length', 'transfer-encoding', 'Expect', 'Upgrade', 'TE'],
    ...['Trailer', 'Keep-Alive', 'Proxy-Connection'],
  ])('leaves %s to the client', (name) => {
    expect(() => callerLines({ [name]: '1' })).toThrow(InvalidHeader);
    expect(() => callerLines({ 'x-y': '1', [name]: '1' })).toThrow(InvalidHeader);
  });

  it.each(['', ' ', 'a b', 'a:', 'a\r\nb', 'a\n', '\0', 'é', ' host', 'host ', 'x'.repeat(257)])(
    'takes no name %p',
    (name) => expect(() => callerLines({ [name]: '1' })).toThrow(InvalidHeader),
  );

  it.each(['a\r\nb: c', 'a\nb', 'a\r', '\0', '\x7f', '\u2028', '\u010d\u010a', '\ud800'])(
    'takes no value %j',
    (value) => {
      expect(() => callerLines({ 'x-y': value })).toThrow(InvalidHeader);
      expect(() => commonLines(value)).toThrow(InvalidHeader);
    },
  );

  it('says which header it was, not what it held', () => {
    expect(() => callerLines({ 'x-secret': 'key\n' })).toThrow('the value of the header x-secret cannot be sent');
  });

  it.each(['', 'x', '/ ', '/\r\n', '/\u0120', '/\0'])('knows that %j is no path', (path) => {
    expect(isRequestPath(path)).toBe(false);
  });

  it('has as many lines as it was given headers, whatever these hold', () => {
    const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('a\r\nb: c', 'x', 'x\ty'));
    fc.assert(
      fc.property(fc.dictionary(anyText, anyText, { noNullPrototype: true }), (headers) => {
        let written: string;
        try {
          written = callerLines(headers);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidHeader);
          return;
        }
        const sent = Buffer.from(written, 'latin1')
          .toString('latin1')
          .split(/\r|\n|\0/)
          .filter((each) => each !== '');
        expect(sent).toEqual(Object.entries(headers).map(([name, value]) => `${name}: ${value}`));
      }),
      { numRuns: 1_000 },
    );
  });

  it('takes no path from a URL that could end the request line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        if (!URL.canParse(text, 'http://a/')) return;
        const { pathname, search, protocol } = new URL(text, 'http://a/');
        if (protocol === 'http:') expect(isRequestPath(pathname + search)).toBe(true);
      }),
    );
  });
});
