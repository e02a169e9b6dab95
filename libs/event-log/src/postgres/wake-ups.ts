import { BroadcastChannel } from 'node:worker_threads';
import type { Client } from 'pg';
import type { LogRecord } from '../port.js';
import { Tail } from './tail.js';

/**
 * Tells readers that topics have new records: readers in this thread at once, other threads of this process by a
 * BroadcastChannel, other processes by one coalesced NOTIFY. All of it is a hint; a look at the heads each 500 ms is
 * the net, one for all logs of a thread.
 */
export interface WakeUps {
  /** Tells of members of a group: they look at their leases. */
  wake(group: string): void;
  /** Tells of records that are in the log. */
  appended(records: readonly LogRecord[]): void;
  /** @param names what the listener wants to hear of. @returns to stop listening */
  onWake(names: readonly string[], listener: Listener): () => void;
  /** What this thread has appended. */
  readonly tail: Tail;
  /** Where the partition ends, as far as is known here without asking: up to half a second old. 0 before the first look. */
  endOf(topic: string, partition: number): number;
  close(): Promise<void>;
}

/**
 * @param name a topic, or `group:` and the name of one
 * @param inTail the news is in the tail: this thread appended it, and nobody outside it appends what would have to be read before
 */
type Listener = (name: string, inTail: boolean) => void;

/** The logs of this thread that are on one database. */
interface Neighbourhood {
  listeners: Set<Listener>;
  tail: Tail;
  /** The next offset of each partition of each topic, as of the last look. */
  heads: Map<string, readonly number[]>;
  /** To the other threads. One for all logs here: a channel's message reaches every other channel, those of its own thread too. */
  threads: BroadcastChannel;
  wantedHere: Set<string>;
  /** By other threads: waking one costs more than telling it. */
  wantedElsewhere: Set<string>;
  /** Of the logs that are open; any of them can look. */
  readHeads: Set<ReadHeads>;
  stopLooking(): void;
}
interface ThreadMessage {
  /** Names that there is something new of. */
  news?: string[];
  /** Names that the sender wants to hear of. */
  want?: string[];
  /** What do you want to hear of? */
  ask?: boolean;
}

const neighbourhoods = new Map<string, Neighbourhood>();

function join(database: string, readHeads: ReadHeads): Neighbourhood {
  let here = neighbourhoods.get(database);
  if (!here) {
    const listeners = new Set<Listener>();
    const threads = new BroadcastChannel(`tickwire-log:${database}`);
    const wantedHere = new Set<string>();
    const wantedElsewhere = new Set<string>();
    threads.onmessage = (message) => {
      const { news, want, ask } = (message as { data: ThreadMessage }).data;
      for (const name of news ?? []) for (const listener of listeners) listener(name, false);
      for (const name of want ?? []) wantedElsewhere.add(name);
      if (ask) threads.postMessage({ want: [...wantedHere] } satisfies ThreadMessage);
    };
    threads.unref();
    threads.postMessage({ ask: true } satisfies ThreadMessage);
    here = {
      listeners,
      tail: new Tail(),
      heads: new Map(),
      threads,
      wantedHere,
      wantedElsewhere,
      readHeads: new Set(),
      stopLooking: () => undefined,
    };
    here.stopLooking = lookAtHeads(here);
    neighbourhoods.set(database, here);
  }
  here.readHeads.add(readHeads);
  return here;
}

function leave(database: string, here: Neighbourhood, readHeads: ReadHeads): void {
  here.readHeads.delete(readHeads);
  if (here.readHeads.size > 0) return;
  here.stopLooking();
  here.threads.close();
  neighbourhoods.delete(database);
}

const LOOK_MS = 500;

/** Tells of topics with records that nobody here has told of. @returns to stop */
function lookAtHeads({ listeners, tail, heads, readHeads }: Neighbourhood): () => void {
  const told = new Map<string, number>();
  let looking = false;
  const look = async (): Promise<void> => {
    const [read] = readHeads;
    if (looking || !read) return;
    looking = true;
    try {
      for (const { topic, next } of await read()) {
        heads.set(topic, next);
        const sum = next.reduce((total, each) => total + each, 0);
        const moved = told.get(topic) !== sum;
        told.set(topic, sum);
        if (moved && next.some((end, partition) => tail.endOf(topic, partition) < end))
          for (const listener of listeners) listener(topic, false);
      }
    } catch {
      // The database is away; the next look is soon.
    } finally {
      looking = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}

/** The next offset of each partition of each topic. */
export type ReadHeads = () => Promise<{ topic: string; next: number[] }[]>;

export interface NotifyOptions {
  readHeads: ReadHeads;
  /** Sends NOTIFY to other processes; absent where every reader lives in this process. */
  notify?: (payload: string) => Promise<void>;
  /** A client of our own that LISTENs; absent where every writer lives in this process. */
  listen?: Client;
}

const CHANNEL = 'tickwire_log';

export async function createWakeUps(database: string, { readHeads, notify, listen }: NotifyOptions): Promise<WakeUps> {
  const here = join(database, readHeads);
  const { listeners, tail, heads, threads, wantedHere, wantedElsewhere } = here;
  const tell = (name: string, inTail: boolean): void => {
    for (const listener of listeners) listener(name, inTail);
  };

  if (listen) {
    listen.on('notification', ({ payload }) => {
      for (const name of (payload ?? '').split(',')) if (name) tell(name, false);
    });
    await listen.query(`LISTEN ${CHANNEL}`);
  }

  const pending = new Set<string>();
  let sending = false;
  const flush = async (): Promise<void> => {
    if (sending || pending.size === 0 || !notify) return;
    sending = true;
    try {
      while (pending.size > 0) {
        const payload = [...pending].join(',');
        pending.clear();
        await notify(payload);
      }
    } catch {
      // The poll finds what the hint would have told.
    } finally {
      sending = false;
    }
  };

  const own = new Set<Listener>();
  let closed = false;
  const spread = (names: ReadonlySet<string>, inTail: boolean): void => {
    for (const name of names) tell(name, inTail);
    const news = [...names].filter((name) => wantedElsewhere.has(name));
    if (news.length > 0) threads.postMessage({ news } satisfies ThreadMessage);
    if (!notify) return;
    for (const name of names) pending.add(name);
    void flush();
  };
  return {
    tail,
    endOf: (topic, partition) => Math.max(heads.get(topic)?.[partition] ?? 0, tail.endOf(topic, partition)),
    wake(group) {
      if (!closed) spread(new Set([`group:${group}`]), false);
    },
    appended(records) {
      if (closed) return;
      // Beside other processes something of theirs may come before this and be heard of later: nobody reads the tail then,
      // and what it held would only grow old in memory.
      if (notify === undefined) tail.add(records);
      else tail.addEnds(records);
      spread(new Set(records.map((record) => record.topic)), notify === undefined);
    },
    onWake(names, listener) {
      for (const name of names) wantedHere.add(name);
      threads.postMessage({ want: [...names] } satisfies ThreadMessage);
      listeners.add(listener);
      own.add(listener);
      return () => {
        listeners.delete(listener);
        own.delete(listener);
      };
    },
    async close() {
      if (closed) return;
      closed = true;
      for (const listener of own) listeners.delete(listener);
      leave(database, here, readHeads);
      await listen?.end().catch(() => undefined);
    },
  };
}

/**
 * SQL that sends the payload of {@link NotifyOptions.notify}. A notification is a transaction with a commit record; that it
 * should survive a crash, for which it would wait for the disk, is nothing that a hint needs.
 */
export const NOTIFY_SQL = `SELECT set_config('synchronous_commit', 'off', true), pg_notify('${CHANNEL}', $1)`;
