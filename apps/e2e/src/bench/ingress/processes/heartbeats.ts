import { randomUUID } from 'node:crypto';
import { configChanged, createEvent, encodeEvent } from '@tickwire/contracts';
import { KafkaEventLog, PostgresEventLog, type EventLog, type LogSink } from '@tickwire/event-log';
import { createPool } from '@tickwire/persistence';

export interface LogAddress {
  postgresUrl: string;
  /** Absent: the log is in Postgres. */
  kafkaBrokers?: string[];
}

const EVERY_MS = 500;
const SILENT: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };

/**
 * Tells ingress twice a second that its configuration has not changed, in the place of api: without that it would
 * read the database for every signal, and a whole api beside it, busy with what ingress appends, would take the
 * processor from what is measured.
 *
 * @returns ends them
 */
export async function startHeartbeats({ postgresUrl, kafkaBrokers }: LogAddress): Promise<() => Promise<void>> {
  const pool = createPool({ connectionString: postgresUrl, applicationName: 'bench heartbeats', max: 4 });
  let log: EventLog;
  try {
    log = kafkaBrokers
      ? await KafkaEventLog.connect({ brokers: kafkaBrokers, clientId: 'bench-heartbeats', log: SILENT })
      : await PostgresEventLog.connect({ pool, connectionString: postgresUrl, clientId: 'bench', log: SILENT });
  } catch (error) {
    await pool.end();
    throw error;
  }
  let beating: Promise<void> = Promise.resolve();
  const beat = (): void => {
    // One that fails is followed by the next; ingress reads the database meanwhile, and the figures show it.
    beating = log.append(heartbeats(log.partitionCount)).catch(() => undefined);
  };
  beat();
  const timer = setInterval(beat, EVERY_MS);
  return async () => {
    clearInterval(timer);
    await beating;
    await log.close();
    await pool.end();
  };
}

function heartbeats(partitionCount: number) {
  return Array.from({ length: partitionCount }, (_, partition) => {
    const data = { entity: 'heartbeat' as const, id: `heartbeat-${partition}`, version: 0 };
    const event = createEvent(configChanged, {
      id: randomUUID(),
      source: 'api',
      subject: data.id,
      timeMs: Date.now(),
      data,
    });
    return { ...encodeEvent(configChanged, event), partition };
  });
}
