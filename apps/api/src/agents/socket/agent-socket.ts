import type { WebSocket } from 'ws';
import { CLOSE, type CloseReason } from './close-codes.js';
import { encodeFrame, type FrameType } from './frames.js';
import type { SocketMetrics } from './socket-metrics.js';

/** Whose connection it is. */
export interface AttachedAgent {
  agentId: string;
  worldId: string;
  shard: number;
  /** The key that it was opened with. */
  keyId: string;
}

/**
 * One connection of an agent. Frames are perishable: what a slow reader leaves no room for is dropped and counted, and it
 * is told how many as soon as there is room, so a connection holds one bounded backlog and nothing more.
 */
export class AgentSocket {
  private missed = 0;
  private isOver = false;
  private hasAnswered = true;

  /** @param mostBuffered bytes that may wait for the reader before frames are dropped */
  constructor(
    readonly agent: AttachedAgent,
    private readonly socket: WebSocket,
    private readonly mostBuffered: number,
    private readonly metrics: SocketMetrics,
  ) {
    socket.on('message', () => this.close(CLOSE.spokenTo));
    socket.on('ping', (data) => this.answer(data));
    socket.on('pong', () => (this.hasAnswered = true));
    // A broken frame or one that is too long: the library closes with the code for it.
    socket.on('error', () => (this.isOver = true));
    socket.once('close', () => (this.isOver = true));
  }

  /** Whether nothing will be sent any more. */
  get over(): boolean {
    return this.isOver;
  }

  send(type: FrameType, frame: Buffer): void {
    if (this.isOver) return;
    this.catchUp();
    if (this.missed > 0 || this.isFull()) {
      this.missed += 1;
      this.metrics.frame(type, 'dropped');
      return;
    }
    this.write(type, frame);
  }

  /** Asks for a sign of life; who has not given the last one is gone. */
  beat(): void {
    if (!this.hasAnswered) return this.socket.terminate();
    this.hasAnswered = false;
    if (this.socket.readyState === this.socket.OPEN) this.socket.ping();
  }

  /** Frames not yet written are written first, for as long as the library waits for the peer. */
  close({ code, reason }: CloseReason): void {
    if (this.isOver) return;
    this.isOver = true;
    this.socket.close(code, reason);
  }

  /** Pongs wait for the reader as well: one that pings and never reads is not to be kept in memory. */
  private answer(data: Buffer): void {
    if (this.isFull()) this.socket.terminate();
    else if (this.socket.readyState === this.socket.OPEN) this.socket.pong(data);
  }

  private isFull(): boolean {
    return this.socket.bufferedAmount > this.mostBuffered;
  }

  private catchUp(): void {
    if (this.missed === 0 || this.isOver || this.socket.bufferedAmount > this.mostBuffered / 2) return;
    const { missed } = this;
    this.missed = 0;
    this.write('lagged', encodeFrame({ type: 'lagged', missed }));
  }

  private write(type: FrameType, frame: Buffer): void {
    // In a paused world no further frame may come: what was left out is told when the backlog has gone.
    this.socket.send(frame, { binary: false }, () => this.catchUp());
    this.metrics.frame(type, 'sent');
  }
}
