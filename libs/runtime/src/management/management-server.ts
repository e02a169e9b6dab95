import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { HealthChecks } from './health-checks.js';
import type { HealthCheck } from './health-checks.js';

export interface ManagementOptions {
  /** 0 for a free one. */
  port: number;
  /** Default: all interfaces, as probes come from outside the container. Never publish this port. */
  host?: string;
  /** Metrics are collected here. Default: a new registry with the process' metrics, event loop delay among them. */
  registry?: Registry;
}

const CHECK_TIMEOUT_MS = 2_000;

/**
 * The operators' side of a process, one for all apps in it: `/healthz` (restart me when this fails), `/readyz` (send
 * me work while this holds), `/metrics` (Prometheus). Plain `node:http`, so that it answers whatever the app does.
 */
export class ManagementServer {
  readonly registry: Registry;
  private readonly server: Server;
  private readonly liveness = new HealthChecks();
  private readonly readiness = new HealthChecks();
  private draining = false;

  constructor(private readonly options: ManagementOptions) {
    this.registry = options.registry ?? processMetrics();
    this.server = createServer((request, response) => {
      this.answer(request, response).catch((error: unknown) =>
        respond(response, 500, { status: 'error', error: String(error) }),
      );
    });
    this.server.requestTimeout = 10_000;
    this.server.headersTimeout = 5_000;
  }

  /**
   * Something that only a restart repairs. Without any, `/healthz` says that the event loop turns.
   * @param app the app's name, so that several can share the server
   * @returns removes the check
   */
  addLiveness(app: string, name: string, check: HealthCheck, timeoutMs = CHECK_TIMEOUT_MS): () => void {
    return this.liveness.add(app, name, check, timeoutMs);
  }

  /** Something that the app cannot work without, such as its database. @returns removes the check */
  addReadiness(app: string, name: string, check: HealthCheck, timeoutMs = CHECK_TIMEOUT_MS): () => void {
    return this.readiness.add(app, name, check, timeoutMs);
  }

  /** From now on `/readyz` answers 503, so that no new work is sent here. Call it first when stopping. */
  startDraining(): void {
    this.draining = true;
  }

  /** @returns the port, for the case that a free one was asked for */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.options.port, this.options.host ?? '0.0.0.0', () => {
        this.server.off('error', reject);
        resolve();
      });
    });
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return respond(response, 405, { status: 'method not allowed' });
    }
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        return this.report(response, this.liveness);
      case '/readyz':
        return this.report(response, this.readiness, this.draining);
      case '/metrics': {
        const metrics = await this.registry.metrics();
        response.writeHead(200, { 'content-type': this.registry.contentType });
        response.end(metrics);
        return;
      }
      default:
        return respond(response, 404, { status: 'not found', paths: ['/healthz', '/readyz', '/metrics'] });
    }
  }

  private async report(response: ServerResponse, set: HealthChecks, draining = false): Promise<void> {
    const checks = await set.run();
    const ok = !draining && checks.every((check) => check.ok);
    respond(response, ok ? 200 : 503, { status: draining ? 'draining' : ok ? 'ok' : 'failing', checks });
  }
}

function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function processMetrics(): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return registry;
}
