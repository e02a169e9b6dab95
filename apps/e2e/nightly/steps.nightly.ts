import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Deployed } from '@tickwire/standalone';
import { FaultGround } from './fault-ground.js';
import { randomOf, wholeBetween } from './seed.js';
import { TRANSACTION_STEPS } from './transaction-steps.js';
import { Trickle } from './trickle.js';

const PRELOAD = new URL('end-at-step.mjs', import.meta.url).href;
/** After the kill of its predecessor a consumer waits for the session to end; then signals have to come by. */
const REACHED_WITHIN_MS = 90_000;
/** The latest occurrence of a step to die at: the first is the start's, later ones are the load's. */
const MOST_NTH = 5;

const cases = TRANSACTION_STEPS.flatMap(({ label, victims }) => victims.map((victim) => ({ label, victim })));
const wanted = Number(process.env['NIGHTLY_STEPS'] ?? cases.length);

describe('a kill between two steps of a transaction path', () => {
  const random = randomOf('steps');
  let ground: FaultGround;
  let mark: string;

  beforeAll(async () => {
    ground = await FaultGround.prepare({ NODE_OPTIONS: `--import ${PRELOAD}` });
    mark = path.join(ground.system.dataDir, 'step.reached');
  }, 240_000);

  afterAll(async () => {
    await ground?.remove();
  }, 120_000);

  /** Replaces the victim by one that will die at the step. */
  const arm = async (victim: Deployed, failpoint: string): Promise<void> => {
    rmSync(mark, { force: true });
    const { deployment } = ground.system;
    await deployment.kill(victim);
    process.env['TICKWIRE_FAILPOINT'] = failpoint;
    process.env['TICKWIRE_FAILPOINT_MARK'] = mark;
    deployment.spawn(victim);
    delete process.env['TICKWIRE_FAILPOINT'];
    delete process.env['TICKWIRE_FAILPOINT_MARK'];
  };

  const reached = async (): Promise<void> => {
    const until = performance.now() + REACHED_WITHIN_MS;
    while (!existsSync(mark)) {
      if (performance.now() > until) throw new Error('The step was not reached: nobody was killed');
      await sleep(20);
    }
  };

  const sent: Awaited<ReturnType<Trickle['end']>> = [];

  it.each(cases.slice(0, wanted))(
    'loses and doubles nothing: $label of $victim',
    async ({ label, victim }) => {
      await arm(victim, `${label}:${wholeBetween(random, 1, MOST_NTH)}`);
      const trickle = new Trickle(ground.sender, 3);
      try {
        await reached();
      } finally {
        await ground.system.deployment.kill(victim); // a victim that has not died, so that the next case begins anew
        await ground.system.deployment.startOne(victim);
        sent.push(...(await trickle.end()));
      }
      await ground.expectExactlyOnce(sent);
      await ground.expectCallbacks(sent);
    },
    600_000,
  );

  it('leaves every tick provable', async () => {
    await ground.expectProvenWorlds();
  }, 120_000);
});
