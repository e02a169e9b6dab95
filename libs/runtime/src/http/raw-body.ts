import { RouteConfig } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';

/** What a route wants as its body; set by `@RawBody()`, read by the app's body parser. */
export interface RawBodyRouteConfig {
  rawBody?: 'json' | 'any';
}

/** A request of a `@RawBody()` route. `body` is the same buffer. */
export type RawBodyRequest = FastifyRequest & { rawBody: Buffer };

/**
 * Gives the handler the body's bytes as they came (`request.rawBody`), unparsed: signatures are over bytes, and nothing
 * of a body is used before its signature holds. Afterwards: `parseJson(request.rawBody)`. Without a body the buffer is empty.
 *
 * @param type `json` (default): other content types are refused with 415; `any`: the handler judges
 */
export function RawBody(type: 'json' | 'any' = 'json'): MethodDecorator {
  return RouteConfig({ rawBody: type } satisfies RawBodyRouteConfig) as MethodDecorator;
}
