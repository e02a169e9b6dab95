import { Counter, Gauge, type Registry } from 'prom-client';
import type { FrameType } from './frames.js';

const OPEN = 'tickwire_api_agent_sockets';
const FRAMES = 'tickwire_api_agent_socket_frames_total';

/** What operators see of agents' sockets. */
export class SocketMetrics {
  private readonly open: Gauge;
  private readonly frames: Counter<'type' | 'fate'>;

  /** @param registry may hold these metrics already, from an earlier start in the same process */
  constructor(registry: Registry) {
    const registers = [registry];
    this.open =
      (registry.getSingleMetric(OPEN) as Gauge | undefined) ??
      new Gauge({ name: OPEN, help: 'WebSocket connections of agents that are open', registers });
    this.frames =
      (registry.getSingleMetric(FRAMES) as Counter<'type' | 'fate'> | undefined) ??
      new Counter({
        name: FRAMES,
        help: 'Frames for agents by type; dropped where the reader was too slow',
        labelNames: ['type', 'fate'],
        registers,
      });
  }

  opened(): void {
    this.open.inc();
  }

  closed(): void {
    this.open.dec();
  }

  frame(type: FrameType, fate: 'sent' | 'dropped'): void {
    this.frames.inc({ type, fate });
  }
}
