/** The parts of kafkajs 2.2.4 without types that `kafkajs-hazards.ts` puts right. */
declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    pending: unknown[];
    scheduleCheckPendingRequests(): void;
  }
}

declare module 'kafkajs/src/consumer/consumerGroup.js' {
  export default class ConsumerGroup {
    cluster: object;
    groupId: string;
    memberId: string | null;
    generationId: number | null;
    coordinator: {
      heartbeat(request: { groupId: string; memberId: string; groupGenerationId: number }): Promise<unknown>;
      offsetCommit(request: {
        groupId: string;
        memberId: string;
        groupGenerationId: number;
        topics: { topic: string; partitions: { partition: number; offset: string }[] }[];
      }): Promise<unknown>;
    } | null;
    joinAndSync(): Promise<void>;
    recoverFromOffsetOutOfRange(error: { topic: string; partition: number }): Promise<void>;
  }
}

declare module 'kafkajs/src/protocol/requests/produce/index.js' {
  import type { ProduceOptions } from './produce/produce-body.js';

  export interface ProduceRequest {
    apiKey: number;
    apiVersion: number;
    /** @returns what kafkajs takes for an encoder */
    encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
  }

  type Options = ProduceOptions & { compression?: number };
  const produce: {
    versions: string[];
    protocol(of: { version: string | number }): (options: Options) => { request: ProduceRequest; response: object };
  };
  export default produce;
}

declare module 'kafkajs/src/protocol/requests/fetch/index.js' {
  export interface FetchedTopic {
    topic: string;
    partitions: { partition: number }[];
  }

  export interface FetchResponse {
    responses: {
      topicName: string;
      partitions: { partition: number; messages: unknown[]; preferredReadReplica?: number }[];
    }[];
  }

  interface Options {
    topics: FetchedTopic[];
  }
  interface Messages {
    request: object;
    response: { decode(raw: Buffer): Promise<unknown>; parse(decoded: unknown): Promise<FetchResponse> };
    requestTimeout?: number;
  }
  const fetch: {
    versions: string[];
    protocol(of: { version: string | number }): (options: Options) => Messages;
  };
  export default fetch;
}
