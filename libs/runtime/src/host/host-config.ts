import { Description, Secret } from '@tickwire/config';
import { IsIn, IsInt, IsOptional, IsString, Max, Min } from 'class-validator';

/** What every app reads from its environment. Each app's own config class extends it. */
export class HostConfig {
  @Secret()
  @Description('Postgres: postgresql://user:password@host:port/database')
  @IsString()
  DATABASE_URL!: string;

  @Description('Database connections of this app, at most')
  @IsInt()
  @Min(2)
  @Max(500)
  DATABASE_POOL_SIZE: number = 10;

  @Description('Where events are kept: kafka, or postgres (the embedded default)')
  @IsIn(['kafka', 'postgres'])
  EVENT_LOG: string = 'kafka';

  @Description('Comma-separated host:port list; required with EVENT_LOG=kafka')
  @IsOptional()
  @IsString()
  KAFKA_BROKERS?: string;

  @Description('Copies of each record, for topics that this app creates')
  @IsInt()
  @Min(1)
  @Max(9)
  KAFKA_REPLICATION_FACTOR: number = 3;

  @Description('Copies that have to be in sync for an append to be acknowledged')
  @IsInt()
  @Min(1)
  @Max(9)
  KAFKA_MIN_INSYNC: number = 2;

  @Description('Port of /healthz, /readyz and /metrics; never publish it')
  @IsInt()
  @Min(0)
  @Max(65_535)
  MANAGEMENT_PORT: number = 9_464;

  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
  LOG_LEVEL: string = 'info';
}
