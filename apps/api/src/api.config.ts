import { Description, Secret } from '@tickwire/config';
import { HostConfig } from '@tickwire/runtime';
import { IsBoolean, IsInt, IsOptional, IsString, IsUrl, Matches, Max, Min, MinLength } from 'class-validator';

export class ApiConfig extends HostConfig {
  @Description('Port of the public API; 0 for a free one')
  @IsInt()
  @Min(0)
  @Max(65_535)
  API_PORT: number = 3_001;

  @Description('Address that the public API listens on')
  @IsString()
  API_HOST: string = '0.0.0.0';

  @Description('Whether X-Forwarded-For of the proxy in front is believed')
  @IsBoolean()
  TRUST_PROXY: boolean = false;

  @Description('Where senders reach ingress, absolute: the URLs of alert tokens begin with it')
  @IsUrl({ require_tld: false, require_protocol: true, protocols: ['http', 'https'] })
  INGRESS_PUBLIC_URL: string = 'http://127.0.0.1:3000';

  @Secret()
  @Description('The operators’ credential: tw_admin_ and at least 24 random characters')
  @Matches(/^tw_admin_\w{24,}$/)
  ADMIN_TOKEN!: string;

  @Secret()
  @Description('Key under which API keys are hashed, at least 16 characters; the same for ingress')
  @IsString()
  @MinLength(16)
  API_KEY_PEPPER!: string;

  @Secret()
  @Description('Key of the tokens in status URLs, at least 32 characters; the same for ingress')
  @IsString()
  @MinLength(32)
  STATUS_TOKEN_KEY!: string;

  @Secret()
  @Description('Keys that seal secrets at rest: <id>:<base64 of 32 bytes>, separated by commas, the active one first')
  @IsString()
  SECRETS_KEYS!: string;

  @Description('Networks that callback URLs may name although they are not public, for development')
  @IsOptional()
  @IsString()
  CALLBACK_ALLOW_CIDRS?: string;

  @Description('Whether callback URLs may be plain http')
  @IsBoolean()
  CALLBACK_ALLOW_HTTP: boolean = false;

  @Description('Ports that callback URLs may name, e.g. 443,8000-8999; empty: 80, 443 and everything from 1024 up')
  @IsString()
  CALLBACK_PORTS: string = '';

  @Description('WebSocket connections of agents that this process keeps open, at most')
  @IsInt()
  @Min(0)
  @Max(100_000)
  AGENT_SOCKETS: number = 500;

  @Description('WebSocket connections of one agent that this process keeps open, at most')
  @IsInt()
  @Min(1)
  @Max(100)
  AGENT_SOCKETS_PER_AGENT: number = 5;

  @Description('Seconds between the pings to each WebSocket; one that has not answered by the next is cut off')
  @IsInt()
  @Min(1)
  @Max(300)
  AGENT_SOCKET_HEARTBEAT_SECONDS: number = 15;

  @Description('Bytes that wait for a WebSocket’s reader before it loses frames')
  @IsInt()
  @Min(1_024)
  @Max(16_777_216)
  AGENT_SOCKET_BUFFER_BYTES: number = 262_144;
}
