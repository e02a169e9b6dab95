import { setTimeout as sleep } from 'node:timers/promises';
import { DEPLOYED } from '@tickwire/standalone';
import { FaultGround } from './fault-ground.js';
import { randomOf, wholeBetween } from './seed.js';
import { Trickle } from './trickle.js';

const KILLS = Number(process.env['NIGHTLY_KILLS'] ?? 200);
/** Between two kills, ms: less than a group's session, so that faults overlap, and now and then more, so that it moves on. */
const PAUSES_MS = { from: 0, to: 8_000 };

describe(`${KILLS} kills at random instants`, () => {
  let ground: FaultGround;

  beforeAll(async () => {
    ground = await FaultGround.prepare();
  }, 240_000);

  afterAll(async () => {
    await ground?.remove();
  }, 120_000);

  it(
    'cost no signal its one final event, trade nothing twice, and leave every tick provable',
    async () => {
      const random = randomOf('kills');
      const { deployment } = ground.system;
      const trickle = new Trickle(ground.sender, 3);
      for (let kill = 1; kill <= KILLS; kill += 1) {
        await sleep(wholeBetween(random, PAUSES_MS.from, PAUSES_MS.to));
        const victim = DEPLOYED[wholeBetween(random, 0, DEPLOYED.length - 1)]!;
        await deployment.kill(victim);
        // It may be killed again before it is ready: starting is a state like any other.
        deployment.spawn(victim);
        if (kill % 10 === 0 || kill === KILLS) console.log(`${kill} of ${KILLS} kills, the last one of ${victim}`);
      }
      for (const name of DEPLOYED) await deployment.ready(name);
      const sent = await trickle.end();
      console.log(`${sent.length} signals were sent meanwhile`);
      expect(sent.length).toBeGreaterThan(0);
      await ground.expectExactlyOnce(sent);
      await ground.expectCallbacks(sent);
      await ground.expectProvenWorlds();
    },
    KILLS * (PAUSES_MS.to + 2_000) + 600_000,
  );
});
