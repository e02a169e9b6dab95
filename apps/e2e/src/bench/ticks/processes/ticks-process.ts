/**
 * A process of the bench beside the dispatcher's. Speaks with its parent over IPC: in `{role, plan}`, out `{ready}`; in
 * `{id, call, args}`, out `{id, result}`; ends when the parent is gone.
 */
import { beatHearts } from './heartbeats.js';
import { prepareGotLoop } from '../peers/got-loop.js';
import { prepareUndiciLoop } from '../peers/undici-loop.js';
import { startReceivers } from '../receivers/tick-receivers.js';

const ROLES = { heartbeats: beatHearts, receivers: startReceivers, undici: prepareUndiciLoop, got: prepareGotLoop };

export type Role = keyof typeof ROLES;
export type PlanOf<R extends Role> = Parameters<(typeof ROLES)[R]>[0];
/** What the process of a role does on request: methods of plain data. */
export type ServedBy<R extends Role> = Awaited<ReturnType<(typeof ROLES)[R]>>;

export type ToProcess = { role: Role; plan: unknown } | { id: number; call: string; args: unknown[] };
export type FromProcess = { ready: true } | { id: number; result: unknown } | { id: number; failure: string };

/** Only where a parent forked it: the types above are imported elsewhere too. */
if (process.send !== undefined && process.argv[2] === 'ticks-process') {
  let served: Record<string, (...args: unknown[]) => unknown> | undefined;
  const answer = (message: FromProcess): void => void process.send!(message);
  const serve = async (message: ToProcess): Promise<void> => {
    if ('role' in message) {
      served = (await (ROLES[message.role] as (plan: unknown) => unknown)(message.plan)) as typeof served;
      answer({ ready: true });
      return;
    }
    const { id, call, args } = message;
    try {
      answer({ id, result: await served![call]!(...args) });
    } catch (error) {
      answer({ id, failure: (error as Error).stack ?? String(error) });
    }
  };
  process.on('message', (message: ToProcess) => {
    serve(message).catch((error: unknown) => {
      process.stderr.write(`${(error as Error).stack}\n`);
      process.exit(1);
    });
  });
  process.once('disconnect', () => process.exit(0));
  // Ctrl-C reaches the whole group; the parent says when to stop.
  process.on('SIGINT', () => undefined);
}
