/** How a frame of a profile is known to belong to a part of the work. */
export interface PartRule {
  part: string;
  /** Of the script. */
  url?: RegExp;
  functionName?: RegExp;
  /** A client that several parts use: its frames are of the part that called it, where one did. */
  servesCaller?: boolean;
}

/** The parts of an accepted signal's way through ingress. The first rule that fits a frame names its part. */
export const PART_RULES: readonly PartRule[] = [
  { part: 'garbage collection', functionName: /^\(garbage collector\)$/ },
  { part: 'outside JavaScript', functionName: /^\(program\)$/ },
  { part: 'signature: candidate secrets, HMAC', url: /libs\/signing\/|ingress\/dist\/schemes\// },
  { part: 'suspicious patterns', url: /libs\/throttle\/dist\/patterns\/|ingress\/dist\/suspicion\// },
  { part: 'limit: tenant, bot, account', url: /libs\/throttle\/|ingress\/dist\/admission\// },
  { part: 'claim: nonce and signalId', url: /ingress\/dist\/claims\// },
  { part: 'encode: event and envelope', url: /libs\/contracts\/|ingress\/dist\/signals\/signal-records|\/uuid\// },
  {
    part: 'append: event log and its client',
    url: /libs\/event-log\/|node_modules\/(kafkajs|pg|pg-protocol|pg-pool)\//,
  },
  {
    part: 'parse and validate',
    url: /dist\/signals\/(read-signal|scan-fields|canonical-amount|signal-identity)|http\/parse-json|secure-json-parse|\/ajv/,
  },
  { part: 'directory: tenant and account', url: /libs\/directory\/|dist\/signals\/accounts-by-name/ },
  { part: 'answer: status URL and its token', url: /libs\/credentials\/|dist\/signals\/accepted-answer/ },
  { part: 'metrics', url: /prom-client|ingress\/dist\/metrics\// },
  { part: 'intake: the order of the steps', url: /apps\/ingress\/dist\// },
  {
    part: 'Redis client: scripts and replies',
    url: /libs\/redis\/|node_modules\/(ioredis|@ioredis|redis-parser)\//,
    servesCaller: true,
  },
  {
    part: 'HTTP: Node, Fastify, Nest',
    url: /node_modules\/(@nestjs|fastify|@fastify|find-my-way|rxjs|reusify)\/|libs\/runtime\/|node:_http|node:internal\/http/,
  },
];
