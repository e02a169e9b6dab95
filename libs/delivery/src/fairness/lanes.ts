import { WaitingLine } from './waiting-line.js';

/** A task that waits for its turn. */
export interface Job {
  task: () => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  cancelled: boolean;
  stopListening?: () => void;
}

/** The tasks of one endpoint, oldest first. */
export class EndpointLane {
  readonly line = new WaitingLine<Job>();
  inFlight = 0;
  /** In its origin's turn. */
  listed = false;

  constructor(readonly key: string) {}

  get isIdle(): boolean {
    return this.inFlight === 0 && this.line.length === 0;
  }

  /** The oldest job that has not been cancelled. */
  nextJob(): Job | undefined {
    let job = this.line.shift();
    while (job?.cancelled) job = this.line.shift();
    return job;
  }
}

/** The endpoints of one origin and their turn. */
export class OriginLane {
  readonly endpoints = new Map<string, EndpointLane>();
  /** Endpoints that could begin a task, in turn. */
  readonly ready = new WaitingLine<EndpointLane>();
  inFlight = 0;
  /** Jobs in all its lines, without the cancelled ones. */
  waiting = 0;
  /** In the limiter's turn. */
  listed = false;

  constructor(readonly key: string) {}

  endpointLane(key: string): EndpointLane {
    let lane = this.endpoints.get(key);
    if (!lane) {
      lane = new EndpointLane(key);
      this.endpoints.set(key, lane);
    }
    return lane;
  }

  /** Puts an endpoint in the turn, unless it is there, has nothing to do, or has its full part at work. */
  offer(endpoint: EndpointLane, maxPerEndpoint: number): void {
    if (endpoint.listed || endpoint.line.length === 0 || endpoint.inFlight >= maxPerEndpoint) return;
    endpoint.listed = true;
    this.ready.push(endpoint);
  }
}
