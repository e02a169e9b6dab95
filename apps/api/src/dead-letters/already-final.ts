import { DomainError } from '@tickwire/errors';

/** A replay that would do nothing: a signal is executed at most once, whatever becomes of its records. */
export class AlreadyFinal extends DomainError {
  readonly code = 'ALREADY_FINAL';

  constructor() {
    super(
      'This signal has had its final event: replaying it does nothing. To trade again, send it with a new signalId.',
    );
  }
}
