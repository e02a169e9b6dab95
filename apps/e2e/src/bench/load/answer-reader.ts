const HEAD_END = Buffer.from('\r\n\r\n');
/** Of `HTTP/1.1 202 Accepted`. */
const STATUS_AT = 9;
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const NOTHING = Buffer.alloc(0);

/**
 * Reads the answers of one HTTP/1.1 connection that has one request in flight at a time: the status is all that is
 * wanted of them. Far cheaper than a whole client, which would take the processor from what is measured.
 */
export class AnswerReader {
  private pending: Buffer = NOTHING;

  /**
   * @returns the status, once the answer has arrived whole; undefined before
   * @throws Error for an answer without a Content-Length, or for bytes behind its end
   */
  feed(chunk: Buffer): number | undefined {
    const bytes = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk]);
    const headEnd = bytes.indexOf(HEAD_END);
    if (headEnd < 0) return this.wait(bytes);
    const head = bytes.toString('latin1', 0, headEnd);
    const length = CONTENT_LENGTH.exec(head)?.[1];
    if (length === undefined) throw new Error(`An answer without Content-Length: ${head}`);
    const end = headEnd + HEAD_END.length + Number(length);
    if (bytes.length < end) return this.wait(bytes);
    if (bytes.length > end) throw new Error('More than one answer to one request');
    this.pending = NOTHING;
    return Number(head.slice(STATUS_AT, STATUS_AT + 3));
  }

  private wait(bytes: Buffer): undefined {
    this.pending = bytes;
  }
}
