import { BodyBytes } from './body-bytes.js';
import { NAME_AT, NAME_START, NEXT_NODE, NOT_IN_A_NAME } from './header-names.js';
import { COLON, CR, HEX_VALUE, IS_TEXT, IS_TOKEN, LF, NINE, SEMICOLON, SPACE, TAB, ZERO } from './octets.js';

/**
 * Where the reading of an answer stands.
 * - `incomplete`: it goes on
 * - `complete`: `status`, `headers` and `takeBody()` are the answer
 * - `invalid`: not HTTP/1.1, or more of it than anybody needs; `refusal` says why
 * - `too_large`: the body is, or is announced to be, longer than allowed
 */
export type Progress = 'incomplete' | 'complete' | 'invalid' | 'too_large';

export type Method = 'GET' | 'HEAD' | 'POST';

/** A head with status line and headers, the trailers of a body, the extensions of its chunks: each at most this much. */
export const MAX_HEAD_BYTES = 16_384;
/** Who drips them runs into the deadline first; this is for those who pour. */
export const MAX_INTERIM_ANSWERS = 10_000;
const MAX_CHUNK_SIZE_DIGITS = 16;

/** What the next byte belongs to. Those before `BODY_OF_LENGTH` are counted against `MAX_HEAD_BYTES`. */
const enum At {
  STATUS_LINE,
  AFTER_STATUS,
  REASON,
  LINE_FEED,
  LINE_START,
  NAME,
  BEFORE_VALUE,
  VALUE,
  LAST_LINE_FEED,
  CHUNK_EXTENSION,
  BODY_OF_LENGTH,
  BODY_TO_THE_END,
  CHUNK_SIZE,
  CHUNK_SIZE_LINE_FEED,
  CHUNK_DATA,
  CHUNK_DATA_RETURN,
  CHUNK_DATA_LINE_FEED,
  OVER,
}

const VERSION = Buffer.from('HTTP/1.');
/** Offsets within `HTTP/1.1 200`. */
const MINOR = VERSION.length;
const FIRST_DIGIT = MINOR + 2;
const LAST_DIGIT = MINOR + 4;
const DIGITS = /^\d{1,15}$/;
/** In a list of tokens. */
const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i;
const TIMEOUT = /(?:^|[,; \t])timeout=(\d{1,9})/i;

/**
 * Reads answers of HTTP/1.1, one at a time, from pieces of any size: what it makes of them does not depend on where
 * they were cut. It follows RFC 9112 without what that lets a lenient reader pass over, since every byte comes from a
 * stranger. It knows no sockets and no time, and keeps no piece that it was given.
 *
 * All answers go through the same states byte by byte: there is no second way for those that come whole.
 */
export class ResponseParser {
  progress: Progress = 'complete';
  /** Why it is `invalid`. */
  refusal = '';
  /** Of the answer whose head is complete; 0 before that. */
  status = 0;
  /** `KEPT_HEADERS` only, names in lower case, repeated ones joined by a comma. */
  headers: Record<string, string> = {};
  /** A byte has come. */
  begun = false;
  /** `Keep-Alive: timeout=N`, seconds. */
  keepAliveS: number | undefined;

  private at: At = At.OVER;
  private method: Method = 'GET';
  private interimAnswers = 0;
  /** Connection: close, HTTP/1.0, or a body that ends with the connection. */
  private closes = false;
  /** What is used of `MAX_HEAD_BYTES`. */
  private headBytes = 0;
  /** Within the version and the status. */
  private offset = 0;
  private code = 0;
  /** How far the name at hand is told. */
  private node = NAME_START;
  /** Of the header at hand; empty where nobody reads it. */
  private name = '';
  /** What earlier pieces had of its value. */
  private carried = '';
  /** The last `Keep-Alive`, and what it says. */
  private keepAliveText = '';
  private keepAliveOfText: number | undefined;
  private contentLength: number | undefined;
  private isChunked = false;
  private inTrailers = false;
  private readonly bodyBytes = new BodyBytes();
  /** Of the body or the chunk at hand. */
  private remaining = 0;
  private sizeDigits = 0;

  /** Expects the answer to a request of this method; forgets the one before. */
  begin(method: Method, maxBodyBytes: number): void {
    this.method = method;
    this.bodyBytes.begin(maxBodyBytes);
    this.progress = 'incomplete';
    this.refusal = '';
    this.status = 0;
    this.begun = false;
    this.interimAnswers = 0;
    this.closes = false;
    this.beginHead();
  }

  /** Whether the connection may serve another exchange, once this answer is complete. */
  get persists(): boolean {
    return !this.closes;
  }

  /**
   * @param bytes of which the first `end` have come; the buffer may be used again afterwards
   * @returns how many of them belong to the answer: fewer than `end` only where `progress` says that it is over
   */
  read(bytes: Buffer, end: number): number {
    let index = 0;
    if (end > 0) this.begun = true;
    while (index < end && this.progress === 'incomplete') {
      if (this.at >= At.BODY_OF_LENGTH) {
        index = this.readBody(bytes, index, end);
      } else if (this.headBytes < MAX_HEAD_BYTES) {
        const next = this.readHead(bytes, index, Math.min(end, index + MAX_HEAD_BYTES - this.headBytes));
        this.headBytes += next - index;
        index = next;
      } else {
        this.refuse(`more than ${MAX_HEAD_BYTES} bytes of headers`);
      }
    }
    return index;
  }

  /** Of a complete answer, once: what is read is not kept while a connection waits. */
  takeBody(): Buffer {
    return this.bodyBytes.take();
  }

  /** The connection has ended: that completes a body without announced length, and nothing else. */
  end(): void {
    if (this.at === At.BODY_TO_THE_END) this.complete();
  }

  /** Reads one element of the head, or the part of it that is there. */
  private readHead(bytes: Buffer, index: number, end: number): number {
    switch (this.at) {
      case At.STATUS_LINE:
        return this.readStatus(bytes, index, end);
      case At.NAME:
        return this.readName(bytes, index, end);
      case At.VALUE:
        return this.readValue(bytes, index, end);
      case At.REASON:
      case At.CHUNK_EXTENSION:
        while (index < end && IS_TEXT[bytes[index]!] === 1) index += 1;
        if (index === end) return index;
        if (this.expect(bytes[index]!, CR)) {
          this.at = this.at === At.REASON ? At.LINE_FEED : At.CHUNK_SIZE_LINE_FEED;
        }
        return index + 1;
      case At.BEFORE_VALUE:
        while (index < end && isBlank(bytes[index]!)) index += 1;
        if (index < end) this.at = At.VALUE;
        return index;
      case At.LINE_START:
        if (IS_TOKEN[bytes[index]!] === 1) {
          this.at = At.NAME;
          this.node = NAME_START;
          return index;
        }
        if (bytes[index] === CR) this.at = At.LAST_LINE_FEED;
        else this.refuse('a header without a name, or a folded one');
        return index + 1;
      default:
        this.readMark(bytes[index]!);
        return index + 1;
    }
  }

  /** The single bytes between the elements. */
  private readMark(byte: number): void {
    switch (this.at) {
      case At.AFTER_STATUS:
        if (byte === SPACE) this.at = At.REASON;
        else if (this.expect(byte, CR)) this.at = At.LINE_FEED;
        return;
      case At.LINE_FEED:
        if (this.expect(byte, LF)) this.at = At.LINE_START;
        return;
      default: // LAST_LINE_FEED
        if (!this.expect(byte, LF)) return;
        if (this.inTrailers) this.complete();
        else this.endHead();
    }
  }

  /** `HTTP/1.1 200`, and not a byte more. */
  private readStatus(bytes: Buffer, index: number, end: number): number {
    for (; index < end && this.at === At.STATUS_LINE && this.progress === 'incomplete'; index += 1) {
      const byte = bytes[index]!;
      const { offset } = this;
      this.offset += 1;
      if (offset >= FIRST_DIGIT) {
        // No status begins with 0.
        if (byte < ZERO || byte > NINE || (byte === ZERO && offset === FIRST_DIGIT)) this.refuse('no status');
        this.code = this.code * 10 + byte - ZERO;
        if (offset === LAST_DIGIT) this.at = At.AFTER_STATUS;
      } else if (offset === MINOR) {
        if (byte === ZERO) this.closes = true;
        else if (byte !== ZERO + 1) this.refuse('not HTTP/1.1');
      } else if (byte !== (offset < MINOR ? VERSION[offset] : SPACE)) {
        this.refuse('not HTTP/1.1');
      }
    }
    return index;
  }

  private readName(bytes: Buffer, start: number, end: number): number {
    let { node } = this;
    let index = start;
    for (; index < end; index += 1) {
      const next = NEXT_NODE[(node << 8) | bytes[index]!]!;
      if (next === NOT_IN_A_NAME) break;
      node = next;
    }
    this.node = node;
    if (index === end) return index;
    if (bytes[index] === COLON) {
      this.name = this.inTrailers ? '' : NAME_AT[node]!;
      this.at = At.BEFORE_VALUE;
    } else {
      this.refuse('a header name with a character that is not allowed in one');
    }
    return index + 1;
  }

  private readValue(bytes: Buffer, start: number, end: number): number {
    let index = start;
    while (index < end && IS_TEXT[bytes[index]!] === 1) index += 1;
    if (this.name !== '') this.carried += bytes.toString('latin1', start, index);
    if (index === end) return index;
    if (this.expect(bytes[index]!, CR)) {
      this.at = At.LINE_FEED;
      if (this.name !== '') this.endHeader(this.name, withoutBlankEnd(this.carried));
      this.carried = '';
    }
    return index + 1;
  }

  private endHeader(name: string, value: string): void {
    switch (name) {
      case 'content-length':
        // Twice is refused even where the values agree, as Node does.
        if (this.contentLength !== undefined) return this.refuse('more than one content-length');
        if (!DIGITS.test(value)) return this.refuse('a content-length that is not a number');
        this.contentLength = Number(value);
        break;
      case 'transfer-encoding':
        if (this.isChunked || value.toLowerCase() !== 'chunked') return this.refuse('a transfer coding but chunked');
        this.isChunked = true;
        break;
      case 'connection':
        if (value !== 'keep-alive' && CLOSE.test(value)) this.closes = true;
        break;
      case 'keep-alive':
        this.readKeepAlive(value);
        break;
      default: {
        const earlier = this.headers[name];
        this.headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
      }
    }
  }

  private readKeepAlive(value: string): void {
    if (value !== this.keepAliveText) {
      // A receiver says the same in every answer.
      this.keepAliveText = value;
      const seconds = TIMEOUT.exec(value)?.[1];
      this.keepAliveOfText = seconds === undefined ? undefined : Number(seconds);
    }
    this.keepAliveS = this.keepAliveOfText;
  }

  /** Which body follows: RFC 9112, section 6.3. */
  private endHead(): void {
    if (this.contentLength !== undefined && this.isChunked) return this.refuse('a content-length beside chunks');
    if (this.code < 200) return this.endInterimAnswer();
    this.status = this.code;
    if (this.code === 204 || this.code === 304 || this.method === 'HEAD') return this.complete();
    this.headBytes = 0; // extensions and trailers have an allowance of their own
    if (this.isChunked) return this.beginChunk();
    this.at = At.BODY_TO_THE_END;
    if (this.contentLength === undefined) {
      this.closes = true;
      return;
    }
    if (!this.bodyBytes.hasRoomFor(this.contentLength)) return this.conclude('too_large');
    if (this.contentLength === 0) return this.complete();
    this.remaining = this.contentLength;
    this.at = At.BODY_OF_LENGTH;
  }

  private endInterimAnswer(): void {
    if (this.code === 101) return this.refuse('an upgrade that nobody asked for');
    if (this.closes) return this.refuse('an interim answer that ends the connection');
    this.interimAnswers += 1;
    if (this.interimAnswers > MAX_INTERIM_ANSWERS) return this.refuse('too many interim answers');
    this.beginHead();
  }

  private beginHead(): void {
    this.at = At.STATUS_LINE;
    this.headBytes = 0;
    this.offset = 0;
    this.code = 0;
    this.carried = '';
    this.headers = {};
    this.keepAliveS = undefined;
    this.contentLength = undefined;
    this.isChunked = false;
    this.inTrailers = false;
  }

  private readBody(bytes: Buffer, index: number, end: number): number {
    switch (this.at) {
      case At.BODY_OF_LENGTH: {
        const next = this.readRemaining(bytes, index, end);
        if (this.remaining === 0) this.complete();
        return next;
      }
      case At.CHUNK_DATA: {
        const next = this.readRemaining(bytes, index, end);
        if (this.remaining === 0) this.at = At.CHUNK_DATA_RETURN;
        return next;
      }
      case At.BODY_TO_THE_END:
        if (this.bodyBytes.hasRoomFor(end - index)) this.bodyBytes.append(bytes, index, end);
        else this.conclude('too_large');
        return end;
      default:
        this.readChunkMark(bytes[index]!);
        return index + 1;
    }
  }

  private readRemaining(bytes: Buffer, index: number, end: number): number {
    const next = Math.min(end, index + this.remaining);
    this.bodyBytes.append(bytes, index, next);
    this.remaining -= next - index;
    return next;
  }

  private beginChunk(): void {
    this.at = At.CHUNK_SIZE;
    this.remaining = 0;
    this.sizeDigits = 0;
  }

  /** What surrounds the data of a chunk. */
  private readChunkMark(byte: number): void {
    switch (this.at) {
      case At.CHUNK_SIZE:
        return this.readChunkSize(byte);
      case At.CHUNK_SIZE_LINE_FEED:
        if (!this.expect(byte, LF)) return;
        this.inTrailers = this.remaining === 0;
        this.at = this.inTrailers ? At.LINE_START : At.CHUNK_DATA;
        return;
      case At.CHUNK_DATA_RETURN:
        if (this.expect(byte, CR)) this.at = At.CHUNK_DATA_LINE_FEED;
        return;
      default: // CHUNK_DATA_LINE_FEED
        if (this.expect(byte, LF)) this.beginChunk();
    }
  }

  private readChunkSize(byte: number): void {
    const digit = HEX_VALUE[byte]!;
    if (digit < 16 && this.sizeDigits < MAX_CHUNK_SIZE_DIGITS) {
      this.sizeDigits += 1;
      this.remaining = this.remaining * 16 + digit; // stays small: there is no room for a large one
      if (!this.bodyBytes.hasRoomFor(this.remaining)) this.conclude('too_large');
    } else if (this.sizeDigits > 0 && byte === SEMICOLON) {
      this.at = At.CHUNK_EXTENSION;
    } else if (this.sizeDigits > 0 && byte === CR) {
      this.at = At.CHUNK_SIZE_LINE_FEED;
    } else {
      this.refuse('a chunk without a size');
    }
  }

  private expect(byte: number, expected: number): boolean {
    if (byte === expected) return true;
    this.refuse('a control character, or a line that does not end in CR LF');
    return false;
  }

  private complete(): void {
    this.conclude('complete');
  }

  private refuse(refusal: string): void {
    this.refusal = refusal;
    this.conclude('invalid');
  }

  private conclude(progress: Progress): void {
    this.progress = progress;
    this.at = At.OVER;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}

/** By hand, since a pattern for it takes quadratic time for blanks in the middle. */
function withoutBlankEnd(value: string): string {
  let { length } = value;
  while (length > 0 && isBlank(value.charCodeAt(length - 1))) length -= 1;
  return value.slice(0, length);
}
