import { IsIn, IsInt, IsOptional, IsString, Length, Matches, Min } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { INSTANT } from '../formats.js';
import sample from './agent-control.sample.json' with { type: 'json' };

export const AGENT_COMMANDS = ['reset-breaker', 'test-tick'] as const;

/** `agent.control`: a command to one agent's callbacks. Its key is that of the agent's ticks, so that whoever sends them gets it. */
export class AgentControl {
  @IsString() @Length(1, 64) worldId!: string;
  /** The agent's, as in `market.tick`. */
  @IsInt() @Min(0) shard!: number;
  @IsString() @Length(1, 64) agentId!: string;
  /** One for each request: a record that comes again is told by it. */
  @IsString() @Length(1, 64) controlId!: string;
  /** `reset-breaker`: closes it, a few times an hour at most. `test-tick`: one callback now, outside counters and breaker. */
  @IsIn(AGENT_COMMANDS) command!: (typeof AGENT_COMMANDS)[number];
  @Matches(INSTANT) requestedAt!: string;
  /** What caused it, for logs: `requested`, `reconnected`. */
  @IsOptional() @IsString() @Length(1, 64) reason?: string;
}

export const agentControl = defineEvent<AgentControl>({
  type: 'agent.control',
  version: 1,
  summary: "A command to one agent's callbacks: reset the breaker, send a test tick.",
  payload: AgentControl,
  key: (data) => `${data.worldId}:${data.shard}`,
  keyedBy: 'world and shard',
  producers: ['api'],
  consumers: ['tick-dispatcher'],
  sample: sample as AgentControl,
});
