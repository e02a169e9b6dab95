import { IsArray, IsIn, IsInt, IsOptional, IsString, Length, Matches, Min } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { INSTANT } from '../formats.js';
import sample from './agent-actions.sample.json' with { type: 'json' };

/** Of one answer or request. A callback's answer is cut there, and `truncated` says how many there were. */
export const MOST_ACTIONS = 100;
/**
 * For the JSON that brings actions: a hundred of them have several hundred keys, and a body of 64 KiB cannot hold more
 * than these. Depth is bounded because what reads it later recurses.
 */
export const ACTIONS_JSON = { maxDepth: 32, maxKeys: 65_536 } as const;

/**
 * `agent.actions`: one agent's answer to one tick, or what it sent through the api of its own accord. Actions are as they
 * came; the world judges each on its own.
 */
export class AgentActions {
  @IsString() @Length(1, 64) worldId!: string;
  @IsString() @Length(1, 64) agentId!: string;
  /** `callback`: the tick it answers. `api`: the agent's newest tick that the api knew; the world makes nothing of it. */
  @IsInt() @Min(0) tick!: number;
  @IsIn(['callback', 'api']) channel!: 'callback' | 'api';
  /**
   * `api`: the caller's own id of the request. Of several records with one id the world applies the first; it remembers
   * each agent's last 256.
   */
  @IsOptional() @IsString() @Length(1, 128) clientId?: string;
  /** At most 100; `truncated` says how many there were. */
  @IsArray() actions!: unknown[];
  @IsOptional() @IsInt() @Min(MOST_ACTIONS + 1) truncated?: number;
  @Matches(INSTANT) receivedAt!: string;
}

export const agentActions = defineEvent<AgentActions>({
  type: 'agent.actions',
  version: 1,
  summary: 'An agent answered a tick, or sent actions of its own accord.',
  payload: AgentActions,
  key: (data) => data.worldId,
  keyedBy: 'worldId',
  producers: ['tick-dispatcher', 'api'],
  consumers: ['execution'],
  sample: sample as AgentActions,
});
