import { limitOf } from './busy.js';

const busy = { dispatcher: 0.5, postgres: 0.2, receivers: 0.3, publisher: 0.1 };

it('names the thread that has nothing left to give', () => {
  expect(limitOf({ ...busy, dispatcher: 0.97 }, 4)).toContain('dispatcher: 0.97');
});

it('names the machine where all processors are busy, whoever keeps them so', () => {
  expect(limitOf({ ...busy, dispatcher: 0.97, receivers: 0.8 }, 2)).toContain('the machine');
});

it('says that it is no processor where there is room, and does not take the many processes of Postgres for a thread', () => {
  expect(limitOf({ ...busy, postgres: 1.4 }, 4)).toBe('no processor: 2.30 of 4 processors busy');
});

it('does without what cannot be told', () => {
  expect(limitOf({ ...busy, postgres: NaN }, 4)).toBe('no processor: 0.90 of 4 processors busy');
});
