import type { AgentControl } from '@tickwire/contracts';
import type { AgentEntry } from '@tickwire/directory';

/** A command of `agent.control` on its way to the agent's lane. */
export interface AgentCommand extends Pick<AgentControl, 'worldId' | 'shard' | 'controlId' | 'command' | 'reason'> {
  /** As configured when the command came. */
  agent: AgentEntry;
  /** ms since the epoch */
  requestedAtMs: number;
  /** The partition of the agent's ticks, which is the command's own. */
  partition: number;
}
