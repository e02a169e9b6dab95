import type { Logger } from 'pino';

export interface StopOptions {
  /** After this long the process ends, finished or not. Below Kubernetes' grace period (30 s). Default 25 000. */
  timeoutMs?: number;
  logger?: Pick<Logger, 'info' | 'error'>;
  /** For tests: what is listened to and ended. */
  process?: StoppableProcess;
}

export interface StoppableProcess {
  on(signal: 'SIGINT' | 'SIGTERM', listener: (signal: 'SIGINT' | 'SIGTERM') => void): unknown;
  off(signal: 'SIGINT' | 'SIGTERM', listener: (signal: 'SIGINT' | 'SIGTERM') => void): unknown;
  exit(code: number): void;
}

/** As a shell reports a process ended by SIGINT. */
const EXIT_INTERRUPTED = 130;

/**
 * Runs `stop` once, at the first SIGTERM or SIGINT, then exits: 0 when it is done, 1 when it failed or took too long.
 * A second SIGINT (an impatient Ctrl-C) exits at once; a second SIGTERM changes nothing.
 *
 * @param stop drain, then close, in the order of dependencies
 * @returns forgets the signals: for a process that embeds the app
 */
export function onStopSignals(stop: () => Promise<void>, options: StopOptions = {}): () => void {
  const { timeoutMs = 25_000, logger } = options;
  const target: StoppableProcess = options.process ?? process;
  let stopping = false;

  const finish = async (signal: string): Promise<void> => {
    // Not unref'd: a stop that hangs with nothing left on the event loop must end as well.
    const timer = setTimeout(() => {
      logger?.error({ timeoutMs }, 'Stop took too long');
      target.exit(1);
    }, timeoutMs);
    try {
      logger?.info({ signal }, 'Stopping');
      await stop();
      logger?.info({ signal }, 'Stopped');
      clearTimeout(timer);
      target.exit(0);
    } catch (error) {
      logger?.error({ err: error }, 'Stop failed');
      clearTimeout(timer);
      target.exit(1);
    }
  };
  const listener = (signal: 'SIGINT' | 'SIGTERM'): void => {
    if (!stopping) {
      stopping = true;
      void finish(signal);
    } else if (signal === 'SIGINT') {
      target.exit(EXIT_INTERRUPTED);
    }
  };
  target.on('SIGINT', listener);
  target.on('SIGTERM', listener);
  return () => {
    target.off('SIGINT', listener);
    target.off('SIGTERM', listener);
  };
}
