import { TransientError } from '@tickwire/errors';

/** The log did not acknowledge: what was sent may be in it or not. Send the same ids again. */
export class LogUnavailable extends TransientError {
  readonly code = 'LOG_UNAVAILABLE';
}

/** Somebody else owns these partitions now: memory of them is worthless, and nothing of it may be written. */
export class OwnershipLost extends Error {
  readonly code = 'OWNERSHIP_LOST';

  constructor(
    readonly group: string,
    readonly partitions: readonly number[],
  ) {
    super(`Group ${group} lost partitions ${partitions.join(', ')}`);
  }
}

/** A group's position is not in the log (records expired, the log was replaced, an offset is missing): an operator has to decide. */
export class PositionOutOfLog extends Error {
  readonly code = 'POSITION_OUT_OF_LOG';

  constructor(
    readonly at: { group: string; topic: string; partition: number; offset: number; start: number; end: number },
  ) {
    super(
      `Group ${at.group} stands at offset ${at.offset} of ${at.topic}/${at.partition}, but the log holds ${at.start} to ${at.end}. ` +
        `The partition is stopped; restore the log or move the position by hand (docs/guides/operations.md).`,
    );
  }
}
