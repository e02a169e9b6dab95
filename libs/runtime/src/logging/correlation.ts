import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<string>();

/** Runs `work`; log lines written in it, and in everything it starts, carry this `correlationId`. */
export function withCorrelation<T>(id: string, work: () => T): T {
  return storage.run(id, work);
}

/** @returns the id of the innermost `withCorrelation` around the caller */
export function correlationId(): string | undefined {
  return storage.getStore();
}
