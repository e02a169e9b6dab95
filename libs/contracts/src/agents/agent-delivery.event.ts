import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsOptional,
  IsString,
  Length,
  Matches,
  MaxLength,
  Min,
} from 'class-validator';
import { defineEvent } from '../define-event.js';
import { INSTANT } from '../formats.js';
import sample from './agent-delivery.sample.json' with { type: 'json' };

export const DELIVERY_OUTCOMES = ['delivered', 'failed', 'skipped', 'superseded'] as const;

/** `agent.delivery`: how one tick's callback to one agent ended. */
export class AgentDelivery {
  @IsString() @Length(1, 64) worldId!: string;
  @IsString() @Length(1, 64) agentId!: string;
  @IsInt() @Min(0) tick!: number;
  @IsIn(DELIVERY_OUTCOMES) outcome!: (typeof DELIVERY_OUTCOMES)[number];
  /** True where the breaker was open and no request was made. */
  @IsOptional() @IsBoolean() circuitBreakerSkipped?: boolean;
  /** Requests made; 0 when skipped or superseded. */
  @IsInt() @Min(0) attempts!: number;
  @IsOptional() @IsInt() statusCode?: number;
  /** Of the last attempt, ms. */
  @IsOptional() @IsNumber() responseTimeMs?: number;
  @IsOptional() @IsString() @MaxLength(512) error?: string;
  /** Actions taken from the answer. */
  @IsInt() @Min(0) actions!: number;
  @Matches(INSTANT) settledAt!: string;
}

export const agentDelivery = defineEvent<AgentDelivery>({
  type: 'agent.delivery',
  version: 1,
  summary: "How one tick's callback to one agent ended.",
  payload: AgentDelivery,
  key: (data) => data.agentId,
  keyedBy: 'agentId',
  producers: ['tick-dispatcher'],
  consumers: ['api'],
  sample: sample as AgentDelivery,
});
