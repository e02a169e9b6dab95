import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { Module } from '@nestjs/common';
import type { CallbackClient } from '@tickwire/delivery';
import { createHttpApp, createLogger } from '@tickwire/runtime';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { FastifyInstance } from 'fastify';
import { Registry } from 'prom-client';
import { InProcessClaimStore } from '../claims/in-process-claim-store.js';
import { IngressConfig } from '../ingress.config.js';
import { IngressModule, type IngressParts } from '../ingress.module.js';
import { IngressMetrics } from '../metrics/ingress-metrics.js';
import { ingressDocument } from './ingress-document.js';
import type { MediaType, Operation } from './openapi-types.js';
import { DOCUMENT_PATH, OpenApiController } from './openapi.controller.js';

const document = ingressDocument();
const published = new URL('../../../../docs/openapi/ingress.json', import.meta.url);

/** The parts of the OpenAPI 3.1 specification that this document uses; what is not named here is refused. */
const OPENAPI_3_1 = {
  $defs: {
    schema: { type: ['object', 'boolean'] },
    text: { type: 'string', minLength: 1 },
    reference: {
      type: 'object',
      properties: { $ref: { type: 'string', pattern: '^#/components/' } },
      required: ['$ref'],
      additionalProperties: false,
    },
    example: {
      type: 'object',
      properties: { summary: { $ref: '#/$defs/text' }, value: true },
      required: ['value'],
      additionalProperties: false,
    },
    header: {
      type: 'object',
      properties: {
        description: { $ref: '#/$defs/text' },
        required: { type: 'boolean' },
        schema: { $ref: '#/$defs/schema' },
        example: true,
      },
      required: ['schema'],
      additionalProperties: false,
    },
    parameter: {
      type: 'object',
      properties: {
        name: { $ref: '#/$defs/text' },
        in: { enum: ['path', 'header'] },
        required: { type: 'boolean' },
        description: { $ref: '#/$defs/text' },
        schema: { $ref: '#/$defs/schema' },
        example: true,
      },
      required: ['name', 'in', 'schema'],
      additionalProperties: false,
      if: { properties: { in: { const: 'path' } } },
      then: { properties: { required: { const: true } }, required: ['required'] },
      // OpenAPI ignores parameters of these names: they belong to the body, the answer and the security scheme.
      else: { properties: { name: { not: { pattern: '^(?i:accept|content-type|authorization)$' } } } },
    },
    content: {
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '^[a-z]+/[a-z+.-]+$' },
      additionalProperties: {
        type: 'object',
        properties: {
          schema: { $ref: '#/$defs/schema' },
          examples: { additionalProperties: { anyOf: [{ $ref: '#/$defs/example' }, { $ref: '#/$defs/reference' }] } },
        },
        required: ['schema'],
        additionalProperties: false,
      },
    },
    operation: {
      type: 'object',
      properties: {
        operationId: { $ref: '#/$defs/text' },
        summary: { $ref: '#/$defs/text' },
        description: { $ref: '#/$defs/text' },
        tags: { type: 'array', items: { $ref: '#/$defs/text' } },
        security: {
          type: 'array',
          items: { type: 'object', additionalProperties: { type: 'array', items: { type: 'string' } } },
        },
        parameters: { type: 'array', items: { $ref: '#/$defs/parameter' } },
        requestBody: {
          type: 'object',
          properties: { required: { type: 'boolean' }, content: { $ref: '#/$defs/content' } },
          required: ['content'],
          additionalProperties: false,
        },
        responses: {
          type: 'object',
          minProperties: 1,
          propertyNames: { pattern: '^[1-5][0-9]{2}$' },
          additionalProperties: {
            type: 'object',
            properties: {
              description: { $ref: '#/$defs/text' },
              headers: { additionalProperties: { $ref: '#/$defs/reference' } },
              content: { $ref: '#/$defs/content' },
            },
            required: ['description'],
            additionalProperties: false,
          },
        },
      },
      required: ['operationId', 'responses'],
      additionalProperties: false,
    },
  },
  type: 'object',
  properties: {
    openapi: { type: 'string', pattern: '^3\\.1\\.\\d+$' },
    info: {
      type: 'object',
      properties: {
        title: { $ref: '#/$defs/text' },
        version: { $ref: '#/$defs/text' },
        description: { $ref: '#/$defs/text' },
      },
      required: ['title', 'version'],
      additionalProperties: false,
    },
    servers: { type: 'array', items: { type: 'object', required: ['url'] } },
    tags: { type: 'array', items: { type: 'object', required: ['name'] } },
    paths: {
      type: 'object',
      propertyNames: { pattern: '^/' },
      additionalProperties: {
        type: 'object',
        propertyNames: { enum: ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] },
        additionalProperties: { $ref: '#/$defs/operation' },
      },
    },
    components: {
      type: 'object',
      propertyNames: { enum: ['schemas', 'headers', 'examples', 'securitySchemes'] },
      additionalProperties: { type: 'object', propertyNames: { pattern: '^[a-zA-Z0-9._-]+$' } },
      properties: {
        schemas: { additionalProperties: { $ref: '#/$defs/schema' } },
        headers: { additionalProperties: { $ref: '#/$defs/header' } },
        examples: { additionalProperties: { $ref: '#/$defs/example' } },
        securitySchemes: {
          additionalProperties: {
            oneOf: [
              {
                properties: { type: { const: 'apiKey' }, in: { enum: ['header', 'query', 'cookie'] } },
                required: ['type', 'in', 'name'],
              },
              { properties: { type: { const: 'http' } }, required: ['type', 'scheme'] },
            ],
          },
        },
      },
    },
  },
  required: ['openapi', 'info', 'paths'],
  additionalProperties: false,
};

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]): [string, Operation] => [
    `${method.toUpperCase()} ${path}`,
    operation,
  ]),
);

/** The schema with the document's components beside it, so that its references hold. */
function validatorOf(schema: object) {
  const ajv = new Ajv2020({ strict: false, allowUnionTypes: true });
  addFormats.default(ajv);
  return ajv.compile({ ...schema, components: document.components });
}

function everyReference(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) =>
    name === '$ref' && typeof value === 'string' ? [value] : everyReference(value),
  );
}

function resolve(reference: string): unknown {
  const segments = reference.replace('#/', '').split('/');
  return segments.reduce<unknown>((node, name) => (node as Record<string, unknown> | undefined)?.[name], document);
}

it('is published as the code has it (otherwise: npm run docs)', () => {
  expect(readFileSync(published, 'utf8')).toBe(`${JSON.stringify(document, null, 2)}\n`);
});

describe('as an OpenAPI 3.1 document', () => {
  it('has the structure that the specification asks for', () => {
    const validate = new Ajv2020({ strict: false, allErrors: true }).compile(OPENAPI_3_1);
    expect([validate(document), validate.errors]).toEqual([true, null]);
  });

  it('refers to nothing that it lacks, and has no component that nothing refers to', () => {
    const used = new Set(everyReference(document));
    expect([...used].filter((reference) => resolve(reference) === undefined)).toEqual([]);
    const components = (['schemas', 'headers', 'examples'] as const).flatMap((kind) =>
      Object.keys(document.components[kind]).map((name) => `#/components/${kind}/${name}`),
    );
    expect(components.filter((reference) => !used.has(reference))).toEqual([]);
  });

  it('names each operation once, its path parameters and its security schemes all', () => {
    const ids = operations.map(([, { operationId }]) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [route, { parameters, security, tags }] of operations) {
      const inPath = parameters.flatMap((each) => ('in' in each && each.in === 'path' ? [`{${each.name}}`] : []));
      expect([route, inPath]).toEqual([route, route.match(/\{[^}]+\}/g) ?? []]);
      const schemes = security.flatMap((alternative) => Object.keys(alternative));
      expect(schemes.filter((name) => !(name in document.components.securitySchemes))).toEqual([]);
      expect(document.tags.map(({ name }) => name)).toEqual(expect.arrayContaining(tags));
    }
  });

  it.each(operations)('%s: every example fits the schema that it is an example of', (_route, operation) => {
    const bodies: MediaType[] = [operation.requestBody, ...Object.values(operation.responses)].flatMap(({ content }) =>
      Object.values(content),
    );
    for (const { schema, examples = {} } of bodies) {
      const validate = validatorOf(schema);
      for (const example of Object.values(examples)) {
        const { value } = ('$ref' in example ? resolve(example.$ref) : example) as { value: unknown };
        expect([value, validate(value), validate.errors]).toEqual([value, true, null]);
      }
    }
  });
});

describe('as a description of the door', () => {
  it('has the routes of the running app, and no others', async () => {
    const logger = createLogger({ app: 'ingress', level: 'silent' });
    const config = Object.assign(new IngressConfig(), {
      API_PUBLIC_URL: 'http://127.0.0.1',
      SECRETS_KEYS: `spec:${Buffer.alloc(32, 1).toString('base64')}`,
      API_KEY_PEPPER: 'a pepper for the specs',
      STATUS_TOKEN_KEY: 'a status token key for the specs of the door',
    });
    // Nothing is asked of database and log: the routes are looked at, not called.
    const parts = {
      host: { logger, pool: {}, log: { partitionCount: 12 }, now: () => 0 },
      claims: new InProcessClaimStore({ now: () => 0 }),
      jwks: {} as CallbackClient,
      metrics: new IngressMetrics(new Registry(), logger),
    } as unknown as IngressParts;
    const app = await createHttpApp(IngressModule.of(config, parts), { logger });
    const running: string[] = [];
    const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const each of [method].flat()) running.push(`${each} ${url.replace(/:([^/]+)/g, '{$1}')}`);
    });
    await app.init();
    await app.close();
    const ofItself = [`GET /${DOCUMENT_PATH}`, `HEAD /${DOCUMENT_PATH}`];
    expect(running.filter((route) => !ofItself.includes(route)).sort()).toEqual(
      operations.map(([route]) => route).sort(),
    );
  });

  it('is served to anybody, as it is published', async () => {
    @Module({ controllers: [OpenApiController] })
    class DocumentModule {}
    const app = await createHttpApp(DocumentModule, { logger: createLogger({ app: 'ingress', level: 'silent' }) });
    await app.init();
    const answer = await app.inject({ method: 'GET', url: `/${DOCUMENT_PATH}` });
    await app.close();
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([
      200,
      expect.stringMatching(/^application\/json/),
    ]);
    expect(answer.json()).toEqual(JSON.parse(readFileSync(published, 'utf8')));
  });

  it('lists for each route what it can be answered', () => {
    const statuses = (operationId: string) => {
      const [, operation] = operations.find(([, each]) => each.operationId === operationId)!;
      return Object.keys(operation.responses).map(Number);
    };
    const everywhere = [202, 400, 401, 403, 408, 409, 413, 415, 422, 429, 431, 500, 503];
    expect(statuses('sendSignal').sort()).toEqual([...everywhere, 404].sort());
    expect(statuses('sendSignals')).toEqual(everywhere);
    expect(statuses('sendAlert').sort()).toEqual([...everywhere, 404, 414].sort());
  });
});
