import { Description, Secret } from '@tickwire/config';
import { HostConfig } from '@tickwire/runtime';
import { ArrayMinSize, IsArray, IsBoolean, IsInt, IsOptional, IsString, Matches, Max, Min } from 'class-validator';

/** Pauses before each attempt: at once, 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h, as Standard Webhooks suggests. */
const DEFAULT_SCHEDULE_MS = [
  '0',
  '5000',
  '300000',
  '1800000',
  '7200000',
  '18000000',
  '36000000',
  '50400000',
  '72000000',
  '86400000',
];

export class NotifierConfig extends HostConfig {
  @Secret()
  @Description('Keys that open secrets at rest: <id>:<base64 of 32 bytes>, comma-separated, the active one first')
  @IsString()
  SECRETS_KEYS!: string;

  @Description(
    'Networks that callbacks may reach although they are not public: comma-separated CIDRs, e.g. 127.0.0.0/8. Development only',
  )
  @IsOptional()
  @IsString()
  CALLBACK_ALLOW_CIDRS?: string;

  @Description('Accept http: callback URLs beside https:. Development only')
  @IsBoolean()
  CALLBACK_ALLOW_HTTP: boolean = false;

  @Description('Ports that callback URLs may name, e.g. 443,8000-8999; empty: 80, 443 and everything from 1024 up')
  @IsString()
  CALLBACK_PORTS: string = '';

  @Description('One attempt, from name lookup to the last byte of the answer, ms')
  @IsInt()
  @Min(100)
  @Max(60_000)
  CALLBACK_TIMEOUT_MS: number = 15_000;

  @Description('Pause before each attempt, ms, comma-separated; the first is 0. As many attempts as entries')
  @IsArray()
  @ArrayMinSize(1)
  @Matches(/^\d{1,10}$/, { each: true })
  RETRY_SCHEDULE_MS: string[] = DEFAULT_SCHEDULE_MS;

  @Description('Attempts in flight of this process')
  @IsInt()
  @Min(1)
  @Max(10_000)
  MAX_IN_FLIGHT: number = 512;

  @Description('Attempts in flight to one endpoint')
  @IsInt()
  @Min(1)
  @Max(1_000)
  MAX_IN_FLIGHT_PER_ENDPOINT: number = 16;

  @Description('How long a claimed delivery stays with a process that has gone silent, ms; renewed while it is held')
  @IsInt()
  @Min(1_000)
  @Max(600_000)
  CLAIM_LEASE_MS: number = 30_000;

  // More than the 7 days for which the log keeps events: one that comes again has to be known, or it would be sent again.
  @Description('Days after which settled callbacks are deleted, with their bodies and attempts')
  @IsInt()
  @Min(8)
  @Max(3_650)
  CALLBACK_RETENTION_DAYS: number = 30;

  @Description('When stopping: how long attempts in flight may take to end, ms')
  @IsInt()
  @Min(0)
  @Max(60_000)
  STOP_GRACE_MS: number = 10_000;
}
