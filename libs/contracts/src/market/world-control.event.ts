import { IsIn, IsInt, IsObject, IsOptional, IsString, Length, Min } from 'class-validator';
import { defineEvent } from '../define-event.js';
import sample from './world-control.sample.json' with { type: 'json' };

export const WORLD_COMMANDS = [
  'created',
  'agent-registered',
  'agent-retired',
  'paused',
  'resumed',
  'stepped',
  'speed',
] as const;

/** How a world is made; fixed for its life, except the speed. */
export interface WorldParameters {
  seed: string;
  companies: number;
  /** Wall time between ticks, ms; 0: stepped by command only. */
  tickMs: number;
  shards: number;
}

/** `world.control`: a command to a world: api's, applied in log order at the next tick. */
export class WorldControl {
  @IsString() @Length(1, 64) worldId!: string;
  @IsIn(WORLD_COMMANDS) command!: (typeof WORLD_COMMANDS)[number];
  /** `created`. */
  @IsOptional() @IsObject() parameters?: WorldParameters;
  /** `agent-registered`, `agent-retired`. */
  @IsOptional() @IsString() @Length(1, 64) agentId?: string;
  @IsOptional() @IsString() @Length(1, 64) role?: string;
  @IsOptional() @IsString() @Length(1, 128) name?: string;
  /** `stepped`: how many ticks to close now. */
  @IsOptional() @IsInt() @Min(1) ticks?: number;
  /** `speed`: the new wall time between ticks, ms. */
  @IsOptional() @IsInt() @Min(0) tickMs?: number;
  @IsInt() @Min(0) version!: number;
}

export const worldControl = defineEvent<WorldControl>({
  type: 'world.control',
  version: 1,
  summary: 'A command to a world: creation, registration, pause, step, speed.',
  payload: WorldControl,
  key: (data) => data.worldId,
  keyedBy: 'worldId',
  producers: ['api'],
  consumers: ['execution'],
  sample: sample as WorldControl,
});
