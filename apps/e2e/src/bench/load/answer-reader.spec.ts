import fc from 'fast-check';
import { AnswerReader } from './answer-reader.js';

const ANSWER = Buffer.from('HTTP/1.1 202 Accepted\r\nx-request-id: 1\r\nContent-Length: 15\r\n\r\n{"status":"ok"}');

it('tells the status once the answer is whole, however its bytes arrive', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: ANSWER.length - 1 }), { maxLength: 6 }), (cuts) => {
      const reader = new AnswerReader();
      const bounds = [0, ...cuts.toSorted((a, b) => a - b), ANSWER.length];
      const statuses = bounds.slice(1).map((end, index) => reader.feed(ANSWER.subarray(bounds[index], end)));
      expect(statuses.at(-1)).toBe(202);
      // Cuts at one place leave an empty chunk behind: still no answer before the last byte.
      expect(statuses.slice(0, -1).every((status) => status === undefined)).toBe(true);
    }),
  );
});

it('reads one answer after another', () => {
  const reader = new AnswerReader();
  expect(reader.feed(ANSWER)).toBe(202);
  expect(reader.feed(Buffer.from('HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n'))).toBe(429);
});

it('refuses what it cannot measure: an answer without a length, and bytes that nobody asked for', () => {
  expect(() => new AnswerReader().feed(Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'))).toThrow(
    /Content-Length/,
  );
  expect(() => new AnswerReader().feed(Buffer.concat([ANSWER, ANSWER]))).toThrow(/More than one/);
});
