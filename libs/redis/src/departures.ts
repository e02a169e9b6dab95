import type { Redis } from 'ioredis';

/** Puts what waits into commands. @returns settled when the server has answered them; never rejected */
type Depart = () => Promise<unknown>;

/** What waits behind an unanswered command leaves after this long all the same: a slow server is not waited for in turns. */
const MOST_WAIT_MS = 5;

/**
 * When waiting calls leave for a server: those of one turn of the event loop together, in one write; and while some
 * are on their way, the next ones with the answer to these. An idle server is not waited for; a busy client makes a
 * small part of the system calls, and the server likewise.
 */
export class Departures {
  static readonly #ofClients = new WeakMap<Redis, Departures>();
  readonly #waiting = new Set<Depart>();
  /** Departures whose calls are not all answered. */
  #onTheirWay = 0;
  #scheduled: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(private readonly redis: Redis) {}

  /** All that use one client share its departures. */
  static of(redis: Redis): Departures {
    const known = Departures.#ofClients.get(redis);
    if (known !== undefined) return known;
    const made = new Departures(redis);
    Departures.#ofClients.set(redis, made);
    return made;
  }

  /** Calls `depart` once, at the next departure. */
  join(depart: Depart): void {
    this.#waiting.add(depart);
    if (this.#onTheirWay === 0) this.#schedule();
    else this.#timer ??= setTimeout(() => this.#leave(), MOST_WAIT_MS);
  }

  /** Not at once: whoever had an answer in this turn may want to join, too. */
  #schedule(): void {
    this.#scheduled ??= setImmediate(() => this.#leave());
  }

  #leave(): void {
    clearImmediate(this.#scheduled);
    clearTimeout(this.#timer);
    this.#scheduled = this.#timer = undefined;
    const leaving = [...this.#waiting];
    this.#waiting.clear();
    // Absent until the client has connected: then every command fails by itself.
    const stream = this.redis.stream as Redis['stream'] | undefined;
    stream?.cork();
    this.#onTheirWay += 1;
    void Promise.all(leaving.map((depart) => depart())).then(() => this.#arrived());
    stream?.uncork();
  }

  #arrived(): void {
    this.#onTheirWay -= 1;
    if (this.#onTheirWay === 0 && this.#waiting.size > 0) this.#schedule();
  }
}
