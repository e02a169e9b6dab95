import { LinkedLine, type Linked } from './linked-line.js';
import { WaitingLine } from './waiting-line.js';

/** A task that waits for its turn, or is at work. */
export interface Job extends Linked<Job> {
  task: () => Promise<unknown>;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
  begun: boolean;
  cancelled: boolean;
  stopListening: (() => void) | undefined;
  /** Of one at work. */
  beganAtMs: number;
  /** At work and counted with the slow ones: begun as such, or found to be at work for too long. */
  slow: boolean;
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

/** What an origin has of one kind of endpoints, the quick or the slow ones. */
export class KindOfLane {
  /** Endpoints that could begin a task, in turn. */
  readonly ready = new WaitingLine<EndpointLane>();
  inFlight = 0;
  /** In the limiter's turn. */
  listed = false;
}

/** The endpoints of one origin and their turns. */
export class OriginLane {
  readonly endpoints = new Map<string, EndpointLane>();
  readonly quick = new KindOfLane();
  readonly slow = new KindOfLane();
  /** Tasks at work that count as quick, the oldest first. */
  readonly running = new LinkedLine<Job>();
  /** Jobs in all its lines, without the cancelled ones. */
  waiting = 0;
  /** When a task last ended in time. */
  promptAtMs = -Infinity;
  /** Goes off when the oldest task at work is overdue. */
  alarm: NodeJS.Timeout | undefined;

  constructor(readonly key: string) {}

  get inFlight(): number {
    return this.quick.inFlight + this.slow.inFlight;
  }

  kind(slow: boolean): KindOfLane {
    return slow ? this.slow : this.quick;
  }

  endpointLane(key: string): EndpointLane {
    let lane = this.endpoints.get(key);
    if (!lane) {
      lane = new EndpointLane(key);
      this.endpoints.set(key, lane);
    }
    return lane;
  }
}
