import { KafkaEventLog, type LogSink } from '@tickwire/event-log';
import { wallMs } from '../load/open-loop.js';
import type { OnRecord, RecordTap } from './record-tap.js';

const SILENT: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A consumer of its own on the broker; resolves once its positions are fixed at the present ends. */
export async function openKafkaTap(
  brokers: readonly string[],
  topics: readonly string[],
  onRecord: OnRecord,
): Promise<RecordTap> {
  const log = await KafkaEventLog.connect({ brokers, clientId: 'bench-tap', log: SILENT });
  await log.broadcast({
    topics,
    from: 'end',
    handle: (records) => {
      const atMs = wallMs();
      for (const { topic, value } of records) onRecord(topic, value, atMs);
    },
  });
  return { close: () => log.close() };
}
