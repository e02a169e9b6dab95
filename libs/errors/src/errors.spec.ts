import { DomainError, TransientError } from './index.js';

class Refused extends DomainError {
  readonly code = 'REFUSED';
}

describe('errors', () => {
  it('tells an answer from an infrastructure failure', () => {
    expect(TransientError.is(new TransientError('database is away'))).toBe(true);
    expect(TransientError.is(new Refused('no'))).toBe(false);
    expect(new Refused('no').code).toBe('REFUSED');
  });
});
