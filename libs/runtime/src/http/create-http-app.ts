import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { DynamicModule, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  PROBLEM_JSON,
  ProblemError,
  ProblemFilter,
  codeOfStatus,
  problem,
  problemAnswer,
  sendProblem,
} from '@tickwire/problem-details';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { withCorrelation } from '../logging/correlation.js';
import { NestLogger } from '../logging/nest-logger.js';
import type { JsonLimits } from './parse-json.js';
import { parseJson } from './parse-json.js';
import type { RawBodyRequest, RawBodyRouteConfig } from './raw-body.js';
import { RouteMethods } from './route-methods.js';

export interface HttpAppOptions {
  logger: Logger;
  /** Default 65 536. */
  bodyLimitBytes?: number;
  /** Whose `X-Forwarded-For` is believed: `true`, addresses or networks. Default: nobody's. */
  trustProxy?: boolean | string | string[];
  /** For a whole request to arrive. Default 10 000. */
  requestTimeoutMs?: number;
  /** For its headers alone. Default 5 000. */
  headersTimeoutMs?: number;
  /** How long an idle connection is kept. Longer than a load balancer's 60 s, or it sends into closing ones. Default 72 000. */
  keepAliveTimeoutMs?: number;
  /** Open connections at most; further ones are closed at once. Default: as many as the system gives. */
  maxConnections?: number;
  /** For bodies that the app parses itself (not those of `@RawBody()` routes). */
  json?: JsonLimits;
}

const REQUEST_ID = /^[A-Za-z0-9_.:-]{1,64}$/;
const JSON_TYPE = /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const DRAIN_RETRY_MS = 2_000;

/**
 * A Nest application on Fastify, as ingress and api need it: bodies bounded and parsed strictly or left as bytes
 * (`@RawBody()`), every error `application/problem+json`, a request id in each answer and log line, time limits on
 * slow senders. Not listening yet. While it closes, requests on open connections get 503 with `Retry-After`.
 */
export async function createHttpApp(
  module: Type | DynamicModule,
  options: HttpAppOptions,
): Promise<NestFastifyApplication> {
  const adapter = new DrainingAdapter({
    bodyLimit: options.bodyLimitBytes ?? 65_536,
    trustProxy: options.trustProxy ?? false,
    requestTimeout: options.requestTimeoutMs ?? 10_000,
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 72_000,
    // Node looks at the limits of headers and request only this often, every 30 s if not told.
    http: { headersTimeout: options.headersTimeoutMs ?? 5_000, connectionsCheckingInterval: 1_000 },
    return503OnClosing: false, // its body is not a problem document: the hook below answers
    forceCloseConnections: 'idle',
    genReqId: (request: IncomingMessage) => requestId(request.headers['x-request-id']),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      void sendProblem(reply.header('x-request-id', request.id), problemAnswer(error, request.id)),
    clientErrorHandler: answerBrokenRequest,
  });
  const fastify = adapter.getInstance() as unknown as FastifyInstance;
  addGate(fastify, () => adapter.draining);
  addBodyParser(fastify, options.json);
  const app = await NestFactory.create<NestFastifyApplication>(module as Type, adapter, {
    bodyParser: false,
    logger: new NestLogger(options.logger),
    abortOnError: false, // let main decide: it has other things to close
  });
  if (options.maxConnections !== undefined) fastify.server.maxConnections = options.maxConnections;
  return app.useGlobalFilters(new ProblemFilter());
}

/** Knows from the first moment of `app.close()` on, before the shutdown hooks run. */
class DrainingAdapter extends FastifyAdapter {
  draining = false;

  override beforeClose(): void {
    this.draining = true;
    super.beforeClose();
  }
}

/** What is decided before a body is read. */
function addGate(fastify: FastifyInstance, isDraining: () => boolean): void {
  const routes = new RouteMethods();
  fastify.addHook('onRoute', (route) => routes.add(route.url, route.method));
  fastify.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    const refused = refusal(request, routes, isDraining());
    if (refused === undefined) return withCorrelation(request.id, done);
    if (isDraining()) reply.header('connection', 'close');
    void sendProblem(reply, problemAnswer(refused, request.id));
  });
  // Again, because reading the body goes through the socket's events, which know nothing of the first.
  fastify.addHook('preHandler', (request, _reply, done) => withCorrelation(request.id, done));
}

function refusal(request: FastifyRequest, routes: RouteMethods, draining: boolean): ProblemError | undefined {
  if (draining)
    return new ProblemError('SHUTTING_DOWN', 'Send the same request again.', { retryAfterMs: DRAIN_RETRY_MS });
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    return new ProblemError('UNSUPPORTED_MEDIA', 'Compressed bodies are not accepted; send it as it is.', {
      headers: { 'accept-encoding': 'identity' },
    });
  }
  if (request.is404) {
    const allowed = routes.allowed(request.url.split('?')[0] ?? '');
    if (allowed.length > 0) {
      return new ProblemError('METHOD_NOT_ALLOWED', `Use ${allowed.join(', ')}.`, {
        headers: { allow: allowed.join(', ') },
      });
    }
  }
  return undefined;
}

/** One parser for every content type: the route says what it wants. */
function addBodyParser(fastify: FastifyInstance, limits: JsonLimits | undefined): void {
  fastify.removeAllContentTypeParsers();
  fastify.decorateRequest('rawBody', null);
  fastify.addContentTypeParser('*', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const { rawBody } = request.routeOptions.config as RawBodyRouteConfig;
    const isJson = JSON_TYPE.test(request.headers['content-type'] ?? '');
    if (rawBody === 'any' || (rawBody === 'json' && isJson)) return done(null, body);
    if (rawBody === undefined && body.length === 0) return done(null, undefined);
    if (!isJson) return done(new ProblemError('UNSUPPORTED_MEDIA', 'Send application/json.'), undefined);
    try {
      done(null, parseJson(body, limits));
    } catch (error) {
      done(error as Error, undefined);
    }
  });
  fastify.addHook('preValidation', (request, _reply, done) => {
    if ((request.routeOptions.config as RawBodyRouteConfig).rawBody !== undefined) {
      (request as RawBodyRequest).rawBody = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    }
    done();
  });
}

/** The caller's own id where it is harmless in a log and a header, else a new one. */
function requestId(given: string | string[] | undefined): string {
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
}

/** Bytes that never became a request: broken, too slow, headers too long. There is no reply object yet. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const status = error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
  const body = problem({ code: codeOfStatus(status), requestId: randomUUID() });
  const text = JSON.stringify(body);
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${body.title}\r\nContent-Type: ${PROBLEM_JSON}\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\nConnection: close\r\n\r\n${text}`,
    );
  }
  socket.destroySoon();
}
