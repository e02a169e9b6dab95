/**
 * Batches in front of something that is slow to begin: one call of `flush` is under way at a time, and what comes meanwhile
 * becomes the next one.
 *
 * @param flush gets everything that waits, in the order it came
 * @returns resolves, or rejects, with the flush that took the items
 */
export function gathered<T>(flush: (items: T[]) => Promise<void>): (items: readonly T[]) => Promise<void> {
  let waiting: T[] = [];
  let next: Promise<void> | undefined;
  let inFlight: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    await inFlight;
    const items = waiting;
    waiting = [];
    next = undefined;
    const flushed = flush(items);
    inFlight = flushed.catch(() => undefined); // its own callers hear of it; the next ones must not
    await flushed;
  };
  return (items) => {
    waiting.push(...items);
    return (next ??= run());
  };
}
