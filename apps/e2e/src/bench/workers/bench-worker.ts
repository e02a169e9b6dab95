/**
 * A process of the bench: load and bare stages each have their own, as the apps have theirs. Speaks with its parent over
 * IPC: in `{role, plan}`, out `{ready}`; in `{run: true}`, out `{result}`; ends when the parent is gone.
 */
import { prepareKafkaLoad, prepareKafkaStage } from '../bare/kafka-loop.js';
import { preparePostgresLoop } from '../bare/postgres-loop.js';
import { prepareDoorLoad } from '../ingress/load/door-load.js';
import { prepareHttpLoad } from '../load/http-load.js';

/** Work that is ready to begin. */
export interface PreparedWork<Result = void> {
  /** Called again where the plan has more than one part. */
  run(): Promise<Result>;
  close(): Promise<void>;
}

const ROLES = {
  'door-load': prepareDoorLoad,
  'http-load': prepareHttpLoad,
  'kafka-load': prepareKafkaLoad,
  'kafka-stage': prepareKafkaStage,
  'postgres-loop': preparePostgresLoop,
};

export type Role = keyof typeof ROLES;
export type PlanOf<R extends Role> = Parameters<(typeof ROLES)[R]>[0];
export type ResultOf<R extends Role> = Awaited<ReturnType<Awaited<ReturnType<(typeof ROLES)[R]>>['run']>>;

export type ToWorker = { role: Role; plan: unknown } | { run: true } | { stop: true };
export type FromWorker = { ready: true } | { result: unknown } | { failure: string };

/** Only where a parent forked it: the types above are imported elsewhere too. */
if (process.send !== undefined && process.argv[2] === 'bench-worker') {
  let work: PreparedWork<unknown> | undefined;
  const answer = (message: FromWorker): void => void process.send!(message);
  const serve = async (message: ToWorker): Promise<void> => {
    if ('role' in message) {
      work = await (ROLES[message.role] as (plan: unknown) => Promise<PreparedWork<unknown>>)(message.plan);
      answer({ ready: true });
    } else if ('run' in message) {
      answer({ result: await work!.run() });
    } else {
      await work?.close();
      process.exit(0);
    }
  };
  process.on('message', (message: ToWorker) => {
    serve(message).catch((error: unknown) => answer({ failure: (error as Error).stack ?? String(error) }));
  });
  process.once('disconnect', () => process.exit(1));
  // Ctrl-C reaches the whole group; the parent says when to stop.
  process.on('SIGINT', () => undefined);
}
