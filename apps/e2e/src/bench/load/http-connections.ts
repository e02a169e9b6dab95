import { HttpConnection } from './http-connection.js';

type Answered = (status: number) => void;

/** Kept-alive connections to one server. A request waits for one where all are busy. */
export class HttpConnections {
  private readonly idle: HttpConnection[];
  private readonly waiting: { request: Buffer; answered: Answered }[] = [];

  private constructor(
    readonly all: readonly HttpConnection[],
    /** Rejects when one of them ends without `close()`. */
    readonly broken: Promise<never>,
  ) {
    this.idle = [...all];
  }

  /** @throws Error when nobody listens there */
  static async open(url: string, count: number): Promise<HttpConnections> {
    const { promise: broken, reject } = Promise.withResolvers<never>();
    broken.catch(() => undefined); // also where nothing is sent
    const all = await Promise.all(Array.from({ length: count }, () => HttpConnection.open(url, reject)));
    return new HttpConnections(all, broken);
  }

  /** @param request the whole of it, head and body. @param answered called once, with the status of its answer */
  send(request: Buffer, answered: Answered): void {
    // The longest idle one: a server ends a connection on which no request comes.
    const connection = this.idle.shift();
    if (connection === undefined) this.waiting.push({ request, answered });
    else this.sendOn(connection, request, answered);
  }

  close(): void {
    for (const connection of this.all) connection.close();
  }

  private sendOn(connection: HttpConnection, request: Buffer, answered: Answered): void {
    connection.send(request, (status) => {
      answered(status);
      const next = this.waiting.shift();
      if (next === undefined) this.idle.push(connection);
      else this.sendOn(connection, next.request, next.answered);
    });
  }
}
