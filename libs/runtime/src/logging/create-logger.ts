import type { DestinationStream, Logger } from 'pino';
import { pino, stdSerializers, stdTimeFunctions } from 'pino';
import { PinoPretty } from 'pino-pretty';
import { correlationId } from './correlation.js';

export interface LoggerOptions {
  /** Stands in every line. */
  app: string;
  level?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Coloured lines for people instead of JSON. Default: when stdout is a terminal. */
  pretty?: boolean;
  /** Default: stdout. */
  destination?: DestinationStream;
}

/** Names of fields and headers that are never written, wherever they stand in the first three levels of a line. */
const SECRET_FIELDS = [
  'authorization',
  'Authorization',
  'cookie',
  'password',
  'secret',
  'secrets',
  'signature',
  'token',
  'apiKey',
  'api_key',
  'webhookSecret',
  'connectionString',
  'DATABASE_URL',
  'x-api-key',
  'x-signature',
  'x-webhook-signature',
  'webhook-signature',
];

/**
 * JSON lines on stdout, one event each, written synchronously: a line that was logged is out even if the process is
 * killed the moment after. Level as a word, time as ISO 8601, the correlation id where there is one.
 */
export function createLogger(options: LoggerOptions): Logger {
  const pretty = options.pretty ?? (options.destination === undefined && process.stdout.isTTY === true);
  const out = options.destination ?? pino.destination({ dest: 1, sync: true });
  return pino(
    {
      level: options.level ?? 'info',
      base: { app: options.app },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const id = correlationId();
        return id === undefined ? {} : { correlationId: id };
      },
      serializers: { err: errorWithoutClient },
      redact: { paths: SECRET_FIELDS.flatMap(placesOf), censor: '[redacted]' },
    },
    pretty
      ? PinoPretty({ destination: out, sync: true, colorize: process.stdout.isTTY === true, ignore: 'pid,hostname' })
      : out,
  );
}

function placesOf(field: string): string[] {
  const last = /^\w+$/.test(field) ? field : `["${field}"]`;
  const below = last.startsWith('[') ? last : `.${last}`;
  return [last, `*${below}`, `*.*${below}`];
}

/** `pg` hangs the whole client onto an error of an idle connection: its address, its settings, its last statements. */
function errorWithoutClient(error: Error): unknown {
  const { client: _client, ...kept } = stdSerializers.err(error) as unknown as Record<string, unknown>;
  return kept;
}
