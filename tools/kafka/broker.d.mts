export declare const KAFKA_VERSION: string;

/** Something that has to be installed by hand is not there; the message says what. */
export declare class ToolMissing extends Error {}

/** The port is taken by somebody else. */
export declare class PortBusy extends Error {}

export interface Broker {
  /** `host:port`, one entry. */
  brokers: string[];
  readonly pid: number;
  /** Resolves when the present process has ended. */
  readonly exited: Promise<unknown>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it by SIGKILL, as a crash would. */
  kill(): Promise<void>;
  /** Ends it if it runs and starts it again on the same port and data; resolves once it answers. */
  restart(): Promise<void>;
}

export declare function startBroker(options: {
  dataDir: string;
  port?: number;
  isLongLived?: boolean;
  onProgress?: (line: string) => void;
}): Promise<Broker>;
