import { ProblemError } from '@tickwire/problem-details';
import type { Principal } from '../authentication/principal.js';

/** Whoever may ask about an agent, or tell its callbacks something: its tenant, and the agent with its own key. */
export type Commander = Extract<Principal, { kind: 'tenant' | 'agent' }>;

/** @throws ProblemError NOT_FOUND for an agent's key at another agent, FORBIDDEN for a credential without a tenant */
export function commanderOf(caller: Principal, agentId: string): Commander {
  if (caller.kind === 'agent' && caller.agentId !== agentId) {
    throw new ProblemError('NOT_FOUND', 'There is no such agent.');
  }
  if (caller.kind !== 'agent' && caller.kind !== 'tenant') {
    throw new ProblemError('FORBIDDEN', 'This credential belongs to no tenant.');
  }
  return caller;
}
