import { Description, Secret } from '@tickwire/config';
import { HostConfig } from '@tickwire/runtime';
import { IsBoolean, IsInt, IsString, Max, Min } from 'class-validator';

export class TickDispatcherConfig extends HostConfig {
  @Secret()
  @Description('Keys that open sealed secrets, <id>:<base64 of 32 bytes>, comma-separated; the same in every app')
  @IsString()
  SECRETS_KEYS!: string;

  @Description('Networks that callbacks may reach although they are not public, as CIDRs; for development')
  @IsString({ each: true })
  CALLBACK_ALLOW_CIDRS: string[] = [];

  @Description('Whether callback URLs may be plain http')
  @IsBoolean()
  CALLBACK_ALLOW_HTTP: boolean = false;

  @Description('Ports that callback URLs may name, e.g. 443,8000-8999; empty: 80, 443 and everything from 1024 up')
  @IsString()
  CALLBACK_PORTS: string = '';

  @Description('Deadline of one attempt, from the name lookup to the last byte of the answer, ms')
  @IsInt()
  @Min(100)
  @Max(60_000)
  CALLBACK_TIMEOUT_MS: number = 5_000;

  @Description('Callbacks in flight, at most')
  @IsInt()
  @Min(1)
  @Max(100_000)
  MAX_IN_FLIGHT: number = 1_024;

  @Description(
    'Callbacks in flight to one origin (scheme, host, port), at most; those without an answer for a second count apart, at most as many again',
  )
  @IsInt()
  @Min(1)
  @Max(10_000)
  MAX_IN_FLIGHT_PER_ORIGIN: number = 128;
}
