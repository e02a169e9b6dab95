import type { Type } from '@nestjs/common';
import { AlertsController } from '../alerts/alerts.controller.js';
import { SignalsController } from '../signals/signals.controller.js';
import { ANSWER_HEADERS } from './answer-headers.js';
import { declaredRoutes } from './declared-routes.js';
import type { OpenApiDocument, Operation } from './openapi-types.js';
import { describedRoutes, operationOf } from './operations.js';
import { PROBLEM_SCHEMAS, problemExamples } from './problem-answers.js';
import { SECURITY_SCHEMES } from './security-schemes.js';
import { signalSchemas } from './signal-schemas.js';

/** The controllers whose routes are public. The document's own address is left out: it describes the others. */
const CONTROLLERS: readonly Type[] = [SignalsController, AlertsController];

/**
 * The OpenAPI 3.1 document of this app: its routes as the controllers declare them, the body as the contract has it,
 * refusals as the catalogue has them. The same for every process, so that it can be published beside the code.
 * @throws Error where a route has no description, or a description no route
 */
export function ingressDocument(): OpenApiDocument {
  const routes = declaredRoutes(CONTROLLERS);
  const names = new Set(routes.map(({ name }) => name));
  const withoutRoute = describedRoutes().filter((name) => !names.has(name));
  if (withoutRoute.length > 0) throw new Error(`Described, and no route: ${withoutRoute.join(', ')}`);
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  return {
    openapi: '3.1.1',
    info: {
      title: 'Tickwire ingress',
      version: '1',
      description:
        'The door for trading signals. Every refusal is a problem document (RFC 9457) with a stable `code`. A request ' +
        'carries one credential. Bodies have at most 64 KiB, 16 levels and 200 keys (a batch: 4,000), and are not ' +
        'compressed. Another method on a path is answered 405 with `Allow`, an unknown path 404, both as problems. ' +
        'Answers may get further members; requests with unknown fields are refused.',
    },
    servers: [{ url: '/', description: 'Where this document was read.' }],
    tags: [
      { name: 'signals', description: 'Signals of senders that sign or have a key.' },
      { name: 'alerts', description: 'Alerts of senders that can do neither.' },
    ],
    paths,
    components: {
      schemas: { ...signalSchemas(), ...PROBLEM_SCHEMAS },
      headers: { ...ANSWER_HEADERS },
      examples: problemExamples(),
      securitySchemes: { ...SECURITY_SCHEMES },
    },
  };
}
