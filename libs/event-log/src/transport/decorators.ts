import { applyDecorators, Catch, UseFilters, type RpcExceptionFilter } from '@nestjs/common';
import { EventPattern } from '@nestjs/microservices';
import { throwError, type Observable } from 'rxjs';
import type { BroadcastOptionsOfEvents, OwnedBatchOptions } from './event-batch.js';

/** Handlers with this transport belong to the event log's server. */
export const EVENT_LOG_TRANSPORT = Symbol('event-log');

export type HandlerRole =
  | { role: 'owned'; options: OwnedBatchOptions }
  | { role: 'broadcast'; options: BroadcastOptionsOfEvents }
  | { role: 'assigned' | 'revoked'; group: string };

/** Nest would turn every error of a handler into "Internal server error"; the log has to know which it was. */
@Catch()
export class RethrowFilter implements RpcExceptionFilter {
  catch(error: unknown): Observable<never> {
    return throwError(() => error);
  }
}

function handler(pattern: string, role: HandlerRole): MethodDecorator {
  const subscribe: MethodDecorator = EventPattern<string>(pattern, EVENT_LOG_TRANSPORT, { eventLog: role });
  return applyDecorators(subscribe, UseFilters(new RethrowFilter()));
}

/**
 * The method handles batches of a consumer group: `(@Payload() batch: EventBatch)`. A rejection with a TransientError makes
 * the same batch come again; any other error makes its records come one by one, and the guilty one goes to the dead letters.
 */
export function OwnedBatches(options: OwnedBatchOptions): MethodDecorator {
  return handler(`owned:${options.group}`, { role: 'owned', options });
}

/** The method is called with partitions before any of their records, and returns their positions if it keeps them. */
export function PartitionsAssigned(group: string): MethodDecorator {
  return handler(`assigned:${group}`, { role: 'assigned', group });
}

/** The method drops what it holds in memory of these partitions. */
export function PartitionsRevoked(group: string): MethodDecorator {
  return handler(`revoked:${group}`, { role: 'revoked', group });
}

/** The method gets every event of these types, in every process, as `(@Payload() events: ReceivedEvent[])`. */
export function BroadcastEvents(options: BroadcastOptionsOfEvents): MethodDecorator {
  return handler(`broadcast:${options.name}`, { role: 'broadcast', options });
}
