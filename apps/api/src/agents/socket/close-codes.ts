/** Why the server ends a connection. Below 4000: RFC 6455, 7.4.1. */
export const CLOSE = {
  stopping: { code: 1001, reason: 'this instance is shutting down; connect again' },
  spokenTo: { code: 1008, reason: 'nothing is read here; send actions to POST /api/v1/agents/{id}/actions' },
  unvouched: { code: 1013, reason: 'the key could not be checked for a while; try again later' },
  keyVoid: { code: 4401, reason: 'the key is no longer valid' },
  notActive: { code: 4403, reason: 'the agent is not active' },
} as const;

export type CloseReason = (typeof CLOSE)[keyof typeof CLOSE];
