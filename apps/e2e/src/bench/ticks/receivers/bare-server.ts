import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';

/** A request whose head is there. */
export interface BareRequest {
  path: string;
  /** Of a header by its lower-case name; undefined where it is absent. */
  header(name: string): string | undefined;
}

/** What becomes of a request. */
export interface BareHandler {
  /** The first bytes of the body, once there are any. */
  began(bytes: Buffer): void;
  /** The whole request is there. @param respond answers it, now or later; a socket that is gone is left alone */
  ended(respond: () => void): void;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const NOTHING: Buffer = Buffer.alloc(0);

/** What is read at once at most. Sockets share it: it is read before the next one is. */
const READ_BYTES = 65_536;

/**
 * A server for peers that are known: requests with `content-length`, one at a time on a connection, each with the same answer.
 * node:http takes as much processor time for a callback as the clients that are to be measured on the same machine.
 * @returns its origin, and what stops it
 */
export async function startBareServer(
  answer: Buffer,
  handle: (request: BareRequest) => BareHandler,
): Promise<{ origin: string; close(): void }> {
  const sockets = new Set<net.Socket>();
  const buffer = Buffer.alloc(READ_BYTES);
  const server = net.createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
    const requests = new RequestReader(handle, () => {
      if (socket.writable) socket.write(answer);
    });
    const read = (bytes: number): boolean => {
      try {
        requests.read(buffer.subarray(0, bytes));
      } catch (error) {
        process.stderr.write(`receiver: ${(error as Error).message}\n`);
        socket.destroy();
      }
      return true;
    };
    const socket: net.Socket = withBuffer(accepted, buffer, read);
    // A peer that has gone; what it did not receive is in the figures.
    socket.on('error', () => socket.destroy());
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    socket.resume();
  });
  server.listen(0, '127.0.0.1', 4_096);
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * The same connection, read into one buffer. Node offers that to clients only; without it each read takes 64 kB of memory,
 * and the collection of it a third of the receivers' processor time.
 */
function withBuffer(accepted: net.Socket, buffer: Buffer, callback: (bytes: number) => boolean): net.Socket {
  const owner = accepted as unknown as { _handle: unknown };
  const handle = owner._handle;
  owner._handle = null;
  return new net.Socket({ handle, onread: { buffer, callback } } as net.SocketConstructorOpts);
}

/** The answer to every request, byte for byte, with the headers that node:http would send. */
export function bareAnswer(body: string): Buffer {
  const head = [
    'HTTP/1.1 200 OK',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: keep-alive',
    'Keep-Alive: timeout=120',
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** Cuts the bytes of a connection into requests. */
export class RequestReader {
  /** Of a head that is not complete. */
  private pending: Buffer = NOTHING;
  private handler: BareHandler | undefined;
  /** Bytes of the body that are still to come. */
  private left = 0;
  private isBegun = false;

  constructor(
    private readonly handle: (request: BareRequest) => BareHandler,
    private readonly respond: () => void,
  ) {}

  /** @throws Error for what these peers never send */
  read(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) rest = this.handler ? this.readBody(this.handler, rest) : this.readHead(rest);
  }

  private readHead(chunk: Buffer): Buffer {
    const bytes = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
    const end = bytes.indexOf(HEAD_END);
    this.pending = end < 0 ? bytes : NOTHING;
    if (end < 0) return NOTHING;
    const head = bytes.toString('latin1', 0, end);
    const lines = head.split('\r\n');
    const header = (name: string): string | undefined => {
      const line = lines.find((each, nth) => nth > 0 && each.slice(0, name.length + 1).toLowerCase() === `${name}:`);
      return line?.slice(name.length + 1).trim();
    };
    const length = header('content-length');
    if (length === undefined) throw new Error(`a request without content-length: ${lines[0]}`);
    this.left = Number(length);
    this.isBegun = false;
    this.handler = this.handle({ path: lines[0]!.split(' ')[1]!, header });
    if (this.left === 0) this.end(this.handler);
    return bytes.subarray(end + HEAD_END.length);
  }

  private readBody(handler: BareHandler, chunk: Buffer): Buffer {
    const taken = Math.min(this.left, chunk.length);
    if (!this.isBegun) handler.began(chunk.subarray(0, taken));
    this.isBegun = true;
    this.left -= taken;
    if (this.left === 0) this.end(handler);
    return chunk.subarray(taken);
  }

  private end(handler: BareHandler): void {
    this.handler = undefined;
    handler.ended(this.respond);
  }
}
