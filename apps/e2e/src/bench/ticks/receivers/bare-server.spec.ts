import http from 'node:http';
import { bareAnswer, RequestReader, startBareServer, type BareRequest } from './bare-server.js';

describe('the reader of requests', () => {
  const told: { path: string; tick?: string; began: string; ended: boolean }[] = [];
  const reader = (): RequestReader => {
    told.length = 0;
    return new RequestReader(
      ({ path, header }: BareRequest) => {
        const each = { path, tick: header('x-tick'), began: '', ended: false };
        told.push(each);
        return { began: (bytes) => (each.began += bytes.toString()), ended: () => (each.ended = true) };
      },
      () => undefined,
    );
  };
  const post = (path: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: a\r\nX-Tick: 7\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

  it('finds the same requests wherever the bytes are cut', () => {
    const bytes = Buffer.from(post('/agents/1', 'one') + post('/agents/2', '') + post('/agents/3', 'three'));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const requests = reader();
      requests.read(bytes.subarray(0, cut));
      requests.read(bytes.subarray(cut));
      expect(told.map(({ path, tick, ended }) => [path, tick, ended])).toEqual([
        ['/agents/1', '7', true],
        ['/agents/2', '7', true],
        ['/agents/3', '7', true],
      ]);
      expect('one'.startsWith(told[0]!.began)).toBe(true);
    }
  });

  it('has ended a request only with its last byte, and tells the first bytes once', () => {
    const requests = reader();
    const bytes = Buffer.from(post('/', 'abcdef'));
    requests.read(bytes.subarray(0, -3));
    expect(told).toEqual([{ path: '/', tick: '7', began: 'abc', ended: false }]);
    requests.read(bytes.subarray(-3));
    expect(told).toEqual([{ path: '/', tick: '7', began: 'abc', ended: true }]);
  });

  it('refuses a request that does not say how long it is', () => {
    expect(() => reader().read(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))).toThrow('without content-length');
  });
});

it('answers with what node:http understands, on a connection that it keeps', async () => {
  const { origin, close } = await startBareServer(bareAnswer('{"actions":[]}'), () => ({
    began: () => undefined,
    ended: (respond) => setImmediate(respond),
  }));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number>();
  for (let n = 0; n < 3; n += 1) {
    const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const request = http.request(`${origin}/agents/${n}`, { agent, method: 'POST' }, resolve).on('error', reject);
      request.on('socket', (socket) => socket.once('connect', () => ports.add(socket.localPort!)));
      request.end('{}');
    });
    let body = '';
    for await (const chunk of response.setEncoding('utf8')) body += chunk as string;
    expect([response.statusCode, response.headers['content-type'], body]).toEqual([
      200,
      'application/json',
      '{"actions":[]}',
    ]);
  }
  expect(ports.size).toBe(1);
  agent.destroy();
  close();
});
