import { deadLetterRecord } from './dead-letter.js';

it('a letter has the value byte for byte, and nothing around it that a database cannot hold', () => {
  const value = Buffer.from([0, 0xff, 0]);
  const record = {
    topic: 'webhook.received',
    partition: 3,
    offset: 7,
    key: 'k\0',
    value,
    headers: { 'h\0': 'v\0', traceparent: 'as it was' },
    timestampMs: 0,
  };
  const letter = deadLetterRecord('validator', record, new Error('a\0b'), 0);
  expect(letter).toMatchObject({
    topic: 'webhook.received.dead',
    key: 'k\ufffd',
    value,
    headers: { 'h\ufffd': 'v\ufffd', traceparent: 'as it was', 'dead-group': 'validator', 'dead-offset': '7' },
  });
  expect(JSON.stringify(letter.headers)).not.toContain('\\u0000');
});
