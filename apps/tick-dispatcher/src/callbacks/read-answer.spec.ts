import { MOST_ACTIONS } from '@tickwire/contracts';
import { readAnswer } from './read-answer.js';

const read = (text: string) => readAnswer(200, Buffer.from(text));

describe('what an agent answered', () => {
  it.each(['{"actions":[]}', '{"actions": []}', ' {"actions":[]}\n', '{"actions":[],"actions":[]}'])(
    'is no action and no error where it does nothing, however it writes that: %j',
    (text) => {
      expect(read(text)).toEqual({ actions: [] });
    },
  );

  it('is a list of its own for each answer', () => {
    read('{"actions":[]}').actions.push({ type: 'BUY' });
    expect(read('{"actions":[]}')).toEqual({ actions: [] });
  });

  it('is its actions as they came, and of too many the first', () => {
    expect(read('{"actions":[{"type":"BUY"},7]}')).toEqual({ actions: [{ type: 'BUY' }, 7] });
    const many = Array.from({ length: MOST_ACTIONS + 1 }, (_, n) => n);
    expect(read(JSON.stringify({ actions: many }))).toEqual({
      actions: many.slice(0, MOST_ACTIONS),
      truncated: MOST_ACTIONS + 1,
    });
  });

  it.each([
    ['', 'HTTP 200 without a body'],
    ['{"actions":[]', 'HTTP 200, no valid JSON'],
    ['{"actions":[}}', 'HTTP 200, no valid JSON'],
    ['{"actiens":[]}', 'HTTP 200, no list of actions'],
    ['{"actions":{}}', 'HTTP 200, no list of actions'],
    ['[]', 'HTTP 200, no list of actions'],
  ])('is no action but what is wrong where it is something else: %j', (text, error) => {
    const answer = read(text);
    expect(answer.actions).toEqual([]);
    expect(answer.error).toContain(error);
  });
});
