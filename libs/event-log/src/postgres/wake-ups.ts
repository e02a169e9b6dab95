import { BroadcastChannel } from 'node:worker_threads';
import type { Client } from 'pg';

/**
 * Tells readers that topics have new records: readers in this thread at once, other threads of this process by a
 * BroadcastChannel, other processes by one coalesced NOTIFY. All of it is a hint; a poll each 500 ms is the net.
 */
export interface WakeUps {
  /** @param topics that got records; a name starting with `group:` tells members of a group to look at their leases */
  wake(topics: Iterable<string>): void;
  /** @returns to stop listening */
  onWake(listener: (topic: string) => void): () => void;
  close(): Promise<void>;
}

type Listener = (topic: string) => void;
/** Listeners of this thread, by database: several logs on one database are one neighbourhood. */
const neighbourhoods = new Map<string, Set<Listener>>();

export interface NotifyOptions {
  /** Sends NOTIFY to other processes; absent where every reader lives in this process. */
  notify?: (payload: string) => Promise<void>;
  /** A client of our own that LISTENs; absent where every writer lives in this process. */
  listen?: Client;
}

const CHANNEL = 'tickwire_log';

export async function createWakeUps(database: string, { notify, listen }: NotifyOptions): Promise<WakeUps> {
  const listeners = neighbourhoods.get(database) ?? new Set<Listener>();
  neighbourhoods.set(database, listeners);
  const tell = (topic: string): void => {
    for (const listener of listeners) listener(topic);
  };

  const threads = new BroadcastChannel(`tickwire-log:${database}`);
  threads.onmessage = (message) => {
    for (const topic of (message as { data: string[] }).data) tell(topic);
  };
  threads.unref();

  if (listen) {
    listen.on('notification', ({ payload }) => {
      for (const topic of (payload ?? '').split(',')) if (topic) tell(topic);
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
  return {
    wake(topics) {
      if (closed) return;
      const names = [...new Set(topics)];
      for (const name of names) tell(name);
      threads.postMessage(names);
      if (notify) {
        for (const name of names) pending.add(name);
        void flush();
      }
    },
    onWake(listener) {
      listeners.add(listener);
      own.add(listener);
      return () => {
        listeners.delete(listener);
        own.delete(listener);
      };
    },
    async close() {
      closed = true;
      for (const listener of own) listeners.delete(listener);
      threads.close();
      await listen?.end().catch(() => undefined);
    },
  };
}

/** SQL that sends the payload of {@link NotifyOptions.notify}. */
export const NOTIFY_SQL = `SELECT pg_notify('${CHANNEL}', $1)`;
