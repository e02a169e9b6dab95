import { TOKEN } from './octets.js';
import type { Method } from './response-parser.js';

/** What a connection, its framing and its answers depend on is this client's to say. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const MAX_NAME_LENGTH = 256;
/** Printable Latin-1 and tabs: nothing that could end a line. */
const NOT_IN_A_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
const NOT_IN_A_PATH = /[^\x21-\x7e]/;

/** Names that have passed: callers send the same ones in every request. */
const passedNames = new Set<string>();
const MAX_PASSED_NAMES = 1_000;

/** A header may not be sent, because of its form or because it is not the caller's to set. */
export class InvalidHeader extends Error {
  readonly code = 'INVALID_REQUEST';
}

/** Path and query of a URL, as far as they can stand in a request line. */
export function isRequestPath(path: string): boolean {
  return path.startsWith('/') && !NOT_IN_A_PATH.test(path);
}

/**
 * The lines that every request has, each with its end.
 *
 * @throws InvalidHeader
 */
export function commonLines(userAgent: string): string {
  checkValue('user-agent', userAgent);
  return `connection: keep-alive\r\nuser-agent: ${userAgent}\r\naccept-encoding: identity\r\n`;
}

/** @param host of a `URL`, which has no characters that could end a line; with the port where it is not the scheme's own */
export function hostLine(host: string): string {
  return `host: ${host}\r\n`;
}

/**
 * The caller's headers, in their order and spelling.
 *
 * @throws InvalidHeader naming the header, not its value
 */
export function callerLines(headers: Readonly<Record<string, string | undefined>> = {}): string {
  let lines = '';
  let values = '';
  for (const name in headers) {
    const value = headers[name];
    if (value === undefined) continue;
    checkName(name);
    values += value;
    lines += `${name}: ${value}\r\n`;
  }
  // One look at all of them costs as much as one at each; which one it was is asked where there is one.
  if (NOT_IN_A_VALUE.test(values)) for (const name in headers) checkValue(name, headers[name] ?? '');
  return lines;
}

/**
 * The head of a request, to be written as Latin-1: a body of `bodyBytes` follows, or none where they are undefined.
 *
 * @param path what `isRequestPath` accepts
 * @param lines of the other functions here, `hostLine` first
 */
export function requestHead(method: Method, path: string, lines: string, bodyBytes?: number): string {
  const framing = bodyBytes === undefined ? '' : `content-length: ${bodyBytes}\r\n`;
  return `${method} ${path} HTTP/1.1\r\n${lines}${framing}\r\n`;
}

function checkName(name: string): void {
  if (passedNames.has(name)) return;
  if (name.length > MAX_NAME_LENGTH || !TOKEN.test(name))
    throw new InvalidHeader('the name of a header is not a token');
  if (OWN_HEADERS.has(name.toLowerCase())) {
    throw new InvalidHeader(`the header ${name} was set, which the client sets itself`);
  }
  if (passedNames.size < MAX_PASSED_NAMES) passedNames.add(name);
}

function checkValue(name: string, value: string): void {
  if (NOT_IN_A_VALUE.test(value)) throw new InvalidHeader(`the value of the header ${name} cannot be sent`);
}
