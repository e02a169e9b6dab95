/** What a bench runs against. */
export interface BenchSystem {
  log: 'kafka' | 'postgres';
  postgresUrl: string;
  /** Of the Kafka log. */
  kafkaBrokers?: string[];
  /** Absent where only the log and the database were started, for bare runs. */
  tickwire?: TickwireAddresses;
  stop(): Promise<void>;
}

/** Of a running Tickwire; what its `dev.json` says. */
export interface TickwireAddresses {
  ingressUrl: string;
  apiUrl: string;
  adminToken: string;
  worldId: string;
  symbol: string;
}
