import { IsIn, IsInt, IsOptional, IsString, Length, Min } from 'class-validator';
import { defineEvent } from '../define-event.js';
import sample from './config-changed.sample.json' with { type: 'json' };

export const CONFIG_ENTITIES = [
  'tenant',
  'signing-secret',
  'api-key',
  'account',
  'bot',
  'agent',
  'world',
  'webhook-endpoint',
  'alert-token',
  'jwt-issuer',
  'restriction',
  'heartbeat',
] as const;

/**
 * `config.changed`: something that other apps cache has changed; they read it again. It says what, never the content.
 * A heartbeat goes to every partition each 500 ms: caches that miss it for 2 s read through to the database.
 */
export class ConfigChanged {
  @IsIn(CONFIG_ENTITIES) entity!: (typeof CONFIG_ENTITIES)[number];
  @IsString() @Length(1, 64) id!: string;
  @IsOptional() @IsString() @Length(1, 64) tenantId?: string;
  @IsInt() @Min(0) version!: number;
}

export const configChanged = defineEvent<ConfigChanged>({
  type: 'config.changed',
  version: 1,
  summary: 'Configuration that other apps cache has changed, or (heartbeat) nothing was missed.',
  payload: ConfigChanged,
  key: (data) => data.tenantId ?? data.id,
  keyedBy: 'tenantId (the id where there is no tenant)',
  producers: ['api'],
  consumers: ['ingress', 'validator', 'execution', 'tick-dispatcher', 'notifier'],
  sample: sample as ConfigChanged,
});
