import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AnswerReader } from './answer-reader.js';

/** A kept-alive connection with one request in flight at a time. */
export class HttpConnection {
  private readonly reader = new AnswerReader();
  private answered: ((status: number) => void) | undefined;
  private closing = false;

  private constructor(
    private readonly socket: Socket,
    private readonly failed: (error: Error) => void,
  ) {
    socket.on('data', (chunk) => this.read(chunk));
    socket.on('error', failed);
    socket.on('close', () => {
      if (!this.closing) failed(new Error('The server closed a connection'));
    });
  }

  /**
   * @param failed told when the connection ends without `close()`, or its bytes make no sense
   * @throws Error when nobody listens there
   */
  static async open(url: string, failed: (error: Error) => void): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new HttpConnection(socket, failed);
  }

  /** @param request the whole of it, head and body. @param answered called once, with the status of its answer */
  send(request: Buffer, answered: (status: number) => void): void {
    this.answered = answered;
    this.socket.write(request);
  }

  close(): void {
    this.closing = true;
    this.socket.destroy();
  }

  private read(chunk: Buffer): void {
    let status: number | undefined;
    try {
      status = this.reader.feed(chunk);
    } catch (error) {
      this.failed(error as Error);
      return;
    }
    if (status === undefined) return;
    const { answered } = this;
    this.answered = undefined;
    if (answered === undefined) this.failed(new Error(`An answer that nobody asked for: ${status}`));
    else answered(status);
  }
}
