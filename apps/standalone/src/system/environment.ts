import type { LocalSecrets } from '../local/local-secrets.js';
import type { LocalPorts } from '../local/ports.js';

export type Environment = Record<string, string>;

/** Callbacks may go to this machine: the demo's receivers live here. Production leaves it empty. */
const LOOPBACK = '127.0.0.0/8,::1/128';

export interface LocalSystem {
  databaseUrl: string;
  secrets: LocalSecrets;
  ports: LocalPorts;
  logLevel: string;
  /** Absent: the log is in Postgres and claims are in process. */
  kafka?: { brokers: string[]; redisUrl: string };
}

/** What every app of a local system reads, as a deployment would set it. */
export function environmentOf({ databaseUrl, secrets, ports, logLevel, kafka }: LocalSystem): Environment {
  return {
    ...secrets,
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: logLevel,
    HOST: '127.0.0.1',
    PORT: String(ports.ingress),
    API_HOST: '127.0.0.1',
    API_PORT: String(ports.api),
    API_PUBLIC_URL: `http://127.0.0.1:${ports.api}`,
    INGRESS_PUBLIC_URL: `http://127.0.0.1:${ports.ingress}`,
    CALLBACK_ALLOW_CIDRS: LOOPBACK,
    CALLBACK_ALLOW_HTTP: 'true',
    ...(kafka
      ? {
          EVENT_LOG: 'kafka',
          KAFKA_BROKERS: kafka.brokers.join(','),
          KAFKA_REPLICATION_FACTOR: '1',
          KAFKA_MIN_INSYNC: '1',
          CLAIM_STORE: 'redis',
          REDIS_URL: kafka.redisUrl,
        }
      : { EVENT_LOG: 'postgres', CLAIM_STORE: 'memory' }),
  };
}
