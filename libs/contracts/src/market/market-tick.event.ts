import { IsArray, IsBoolean, IsInt, IsObject, IsString, Length, Matches, Min } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { INSTANT } from '../formats.js';
import sample from './market-tick.sample.json' with { type: 'json' };
import type { AgentTick, MarketSnapshot, NewsArticle, WorldFacts } from './tick-webhook.js';

/** `market.tick`: what a tick tells the agents of one shard: the shared part once, each agent's compact private part. */
export class MarketTick {
  @IsString() @Length(1, 64) worldId!: string;
  @IsInt() @Min(0) tick!: number;
  @IsInt() @Min(0) shard!: number;
  /** A shard's tick may span several records of disjoint agents: part `part` of `parts`, from 1. */
  @IsInt() @Min(1) part!: number;
  @IsInt() @Min(1) parts!: number;
  @Matches(INSTANT) closedAt!: string;
  @IsBoolean() marketOpen!: boolean;
  @IsObject() market!: MarketSnapshot;
  @IsObject() world!: WorldFacts;
  @IsArray() news!: NewsArticle[];
  @IsArray() agents!: AgentTick[];
}

export const marketTick = defineEvent<MarketTick>({
  type: 'market.tick',
  version: 1,
  summary: 'A world closed a tick: what each agent of one shard is to be told.',
  payload: MarketTick,
  key: (data) => `${data.worldId}:${data.shard}`,
  keyedBy: 'world and shard',
  producers: ['execution'],
  consumers: ['tick-dispatcher', 'api'],
  sample: sample as unknown as MarketTick,
});
