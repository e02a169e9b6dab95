// Loaded into a process with `--import`: ends it as a crash would, between two steps of a transaction path.
// TICKWIRE_FAILPOINT=<label>:<nth> says at which step, and at its how manieth time; TICKWIRE_FAILPOINT_MARK names a file
// that is written first, so that whoever watches knows the step was reached. The apps only say where they are.
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';

const { TICKWIRE_FAILPOINT = '', TICKWIRE_FAILPOINT_MARK } = process.env;
const at = TICKWIRE_FAILPOINT.lastIndexOf(':');
if (at > 0) {
  const label = TICKWIRE_FAILPOINT.slice(0, at);
  let left = Number(TICKWIRE_FAILPOINT.slice(at + 1));
  if (!Number.isInteger(left) || left < 1)
    throw new Error(`TICKWIRE_FAILPOINT is <label>:<nth>, not ${TICKWIRE_FAILPOINT}`);
  subscribe('tickwire.steps', (step) => {
    if (step !== label || --left > 0) return;
    if (TICKWIRE_FAILPOINT_MARK) writeFileSync(TICKWIRE_FAILPOINT_MARK, label);
    process.kill(process.pid, 'SIGKILL');
  });
}
