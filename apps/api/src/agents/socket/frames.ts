import type { AgentDelivery } from '@tickwire/contracts';
import type { LoggedDelivery } from '../agent-deliveries.js';

/** Everything that the server says: JSON in text frames, told apart by `type`. */
export type SocketFrame =
  /** The first one: whatever happens to the agent from here on is told. */
  | { type: 'hello'; agentId: string; worldId: string; heartbeatSeconds: number }
  /** How a tick's callback ended, as `GET /agents/{id}/deliveries` shows it. */
  | ({ type: 'delivery' } & LoggedDelivery)
  /** So many frames were left out here, because earlier ones were not read in time. */
  | { type: 'lagged'; missed: number };

/** A frame's kind, also of those that are composed as text. */
export type FrameType = SocketFrame['type'] | 'tick';

export function encodeFrame(frame: SocketFrame): Buffer {
  return Buffer.from(JSON.stringify(frame));
}

/** `{type: 'tick', tick, body}`. @param body JSON, taken over byte for byte */
export function encodeTick(tick: number, body: string): Buffer {
  return Buffer.from(`{"type":"tick","tick":${tick},"body":${body}}`);
}

export function encodeDelivery(delivery: AgentDelivery): Buffer {
  const { tick, outcome, attempts, statusCode, responseTimeMs, error, actions, circuitBreakerSkipped } = delivery;
  return encodeFrame({
    type: 'delivery',
    tick,
    outcome,
    attempts,
    statusCode: statusCode ?? null,
    responseTimeMs: responseTimeMs ?? null,
    error: error ?? null,
    actions,
    circuitBreakerSkipped: circuitBreakerSkipped ?? false,
    settledAt: new Date(delivery.settledAt),
  });
}
