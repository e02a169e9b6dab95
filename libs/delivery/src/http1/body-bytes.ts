const NOTHING: Buffer = Buffer.alloc(0);

/**
 * Collects a body that comes in pieces. It copies them, since they are read into a buffer that all sockets share, and
 * takes room for what has come, at most twice over, not for what was announced: a stranger announces for nothing.
 */
export class BodyBytes {
  private room: Buffer = NOTHING;
  private length = 0;
  private maxBytes = 0;

  /** Lets go of the body before. */
  begin(maxBytes: number): void {
    this.room = NOTHING;
    this.length = 0;
    this.maxBytes = maxBytes;
  }

  hasRoomFor(bytes: number): boolean {
    return this.length + bytes <= this.maxBytes;
  }

  /** Only what there is room for. */
  append(piece: Buffer, from: number, to: number): void {
    const needed = this.length + to - from;
    if (needed > this.room.length) {
      // A body that comes in one piece, as most do, fits exactly.
      const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(2 * this.room.length, this.maxBytes)));
      this.room.copy(larger, 0, 0, this.length);
      this.room = larger;
    }
    piece.copy(this.room, this.length, from, to);
    this.length = needed;
  }

  /** Hands over what came; nothing is kept of it. */
  take(): Buffer {
    const { room, length } = this;
    this.begin(0);
    return room.length === length ? room : room.subarray(0, length);
  }
}
