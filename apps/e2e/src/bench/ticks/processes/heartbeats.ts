import { startHeartbeats, type LogAddress } from '../../ingress/processes/heartbeats.js';

/**
 * Tells the dispatcher that its configuration has not changed, in the place of api. In a process of its own, because the
 * bench itself is busy for seconds while it simulates a great world.
 */
export async function beatHearts(address: LogAddress): Promise<object> {
  await startHeartbeats(address);
  return {};
}
