/**
 * The bare loop on the embedded log, all hops in one process, as the standalone runs the apps. Stage 2 commits its rows and
 * the next hop's records in one transaction; nothing is checked, nothing deduplicated.
 */
import { PostgresEventLog, sleep, type EventLog, type LogSink, type Subscription } from '@tickwire/event-log';
import { createPool } from '@tickwire/persistence';
import type pg from 'pg';
import type { LoadResult } from '../latencies.js';
import { runOpenLoop, SYSTEM_CLOCK, wallMs, type OpenLoopPlan } from '../load/open-loop.js';
import type { PreparedWork } from '../workers/bench-worker.js';
import {
  BARE_TOPICS,
  ensureBareTable,
  executedRecord,
  insertTrades,
  receivedRecord,
  validatedRecord,
} from './bare-records.js';

export interface PostgresLoopPlan extends OpenLoopPlan {
  run: string;
  postgresUrl: string;
  accounts: number;
}

const SILENT: LogSink = { info: () => undefined, warn: () => undefined, error: () => undefined };
const ASSIGNMENT_TIMEOUT_MS = 15_000;

/** Makes the topics; safe to repeat. They have to be there before anybody asks where they end. */
export async function ensureBarePostgresTopics(postgresUrl: string): Promise<void> {
  const { log, close } = await openLog(postgresUrl);
  await log.ensureTopics(Object.values(BARE_TOPICS).map((name) => ({ name })));
  await close();
}

/** Resolves once both stages own all partitions. A record is accepted when its append is committed. */
export async function preparePostgresLoop(plan: PostgresLoopPlan): Promise<PreparedWork<LoadResult>> {
  const { run, postgresUrl, accounts, ratePerSecond, seconds } = plan;
  const { pool, log, close } = await openLog(postgresUrl);
  await ensureBareTable(pool);
  const stages = [
    await fromNow(log, `bench-${run}-validate`, BARE_TOPICS.received, async (values) =>
      log.append(values.map(validatedRecord)),
    ),
    await fromNow(log, `bench-${run}-execute`, BARE_TOPICS.validated, async (values) => {
      const trades = values.map(executedRecord);
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await insertTrades(client, trades);
        const append = log.transactional.append(trades.map(({ topic, key, value }) => ({ topic, key, value })));
        const { rows } = await client.query<object>(append.text, [...append.values]);
        await client.query('COMMIT');
        client.release();
        append.committed(rows);
      } catch (error) {
        client.release(true); // not back into the pool with its transaction open
        throw error;
      }
    }),
  ];
  await allOwned(stages, log.partitionCount);
  const total = Math.round(ratePerSecond * seconds);
  const records = Array.from({ length: total }, (_, index) => receivedRecord(run, index, accounts));
  return {
    run: async () => {
      const acceptedAtMs = new Float64Array(total).fill(NaN);
      const refused: Record<string, number> = {};
      const appends: Promise<void>[] = [];
      const append = async (index: number): Promise<void> => {
        try {
          await log.append([records[index]!]);
          acceptedAtMs[index] = wallMs();
        } catch (error) {
          const name = (error as Error).name;
          refused[name] = (refused[name] ?? 0) + 1;
        }
      };
      const { worstDelayMs } = await runOpenLoop(plan, SYSTEM_CLOCK, (index) => appends.push(append(index)));
      await Promise.all(appends);
      return { acceptedAtMs, refused, worstDelayMs };
    },
    close,
  };
}

async function openLog(postgresUrl: string): Promise<{ pool: pg.Pool; log: PostgresEventLog; close(): Promise<void> }> {
  const pool = createPool({ connectionString: postgresUrl, applicationName: 'bench bare', max: 10 });
  const log = await PostgresEventLog.connect({
    pool,
    connectionString: postgresUrl,
    clientId: 'bench',
    log: SILENT,
    otherProcesses: false,
  });
  const close = async (): Promise<void> => {
    await log.close();
    await pool.end();
  };
  return { pool, log, close };
}

/** A stage that begins at the present end of its topic: what earlier runs left behind is not its work. */
async function fromNow(
  log: EventLog,
  group: string,
  topic: string,
  work: (values: Buffer[]) => Promise<void>,
): Promise<Subscription> {
  const ends = (await log.bounds([topic])).map(({ partition, end }) => ({ topic, partition, offset: end }));
  return log.owned({
    group,
    topics: [topic],
    offsets: 'handler',
    assigned: async () => ends,
    handle: ({ records }) => work(records.map(({ value }) => value)),
  });
}

async function allOwned(stages: readonly Subscription[], partitions: number): Promise<void> {
  const until = performance.now() + ASSIGNMENT_TIMEOUT_MS;
  while (stages.some((stage) => stage.owned().length < partitions)) {
    if (performance.now() > until)
      throw new Error(`A stage of the bare loop did not get its partitions within ${ASSIGNMENT_TIMEOUT_MS} ms`);
    await sleep(20);
  }
}
