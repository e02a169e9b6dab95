/** What may stand in one line at a time. */
export interface Linked<T> {
  before: T | undefined;
  after: T | undefined;
}

/**
 * First in, first out, and out of the middle, in constant time: for what comes and goes with every request.
 *
 * Not a `Set`: it builds its table anew every few hundred items, and each old table points to its items and to the next one.
 * Once one has grown old, the chain keeps all that ever was in flight until a full collection, and each scavenge copies it.
 */
export class LinkedLine<T extends Linked<T>> {
  first: T | undefined;
  private last: T | undefined;
  size = 0;

  push(item: T): void {
    item.before = this.last;
    if (this.last === undefined) this.first = item;
    else this.last.after = item;
    this.last = item;
    this.size += 1;
  }

  /** @param item stands in this line */
  remove(item: T): void {
    const { before, after } = item;
    if (before === undefined) this.first = after;
    else before.after = after;
    if (after === undefined) this.last = before;
    else after.before = before;
    // What has left leads to nobody who came later.
    item.before = item.after = undefined;
    this.size -= 1;
  }
}
