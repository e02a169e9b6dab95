import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { FASTIFY_ROUTE_CONFIG_METADATA } from '@nestjs/platform-fastify/constants.js';

/** A route as its controller declares it. */
export interface DeclaredRoute {
  /** `Controller.handler`. */
  name: string;
  /** Lower case, as OpenAPI names operations. */
  method: string;
  /** With parameters as OpenAPI writes them: `/alerts/{token}`. */
  path: string;
  /** What its body may be: JSON, or anything; see `RawBody`. */
  body: 'json' | 'any';
}

/**
 * The HTTP routes of controllers, from the metadata that Nest itself registers them by, in the order of declaration.
 * @throws Error for a route that does not take its body as bytes: what it accepts is not told by its metadata
 */
export function declaredRoutes(controllers: readonly Type[]): DeclaredRoute[] {
  return controllers.flatMap((controller) => {
    const prefix = metadata<string>(PATH_METADATA, controller);
    const prototype = controller.prototype as Record<string, unknown>;
    return Object.getOwnPropertyNames(prototype).flatMap((handlerName) => {
      const handler = prototype[handlerName];
      if (typeof handler !== 'function') return [];
      const method = metadata<RequestMethod>(METHOD_METADATA, handler);
      if (method === undefined) return [];
      const name = `${controller.name}.${handlerName}`;
      const config = metadata<{ rawBody?: 'json' | 'any' }>(FASTIFY_ROUTE_CONFIG_METADATA, handler);
      if (config?.rawBody === undefined) throw new Error(`${name} is documented and does not say what body it takes`);
      const path = pathOf(prefix ?? '', metadata<string>(PATH_METADATA, handler) ?? '');
      return [{ name, method: RequestMethod[method].toLowerCase(), path, body: config.rawBody }];
    });
  });
}

function metadata<T>(key: string, target: object): T | undefined {
  return Reflect.getMetadata(key, target) as T | undefined;
}

function pathOf(...parts: string[]): string {
  const segments = parts.flatMap((part) => part.split('/')).filter((segment) => segment !== '');
  return `/${segments.map((segment) => segment.replace(/^:(.+)$/, '{$1}')).join('/')}`;
}
