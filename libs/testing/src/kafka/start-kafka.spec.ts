import net from 'node:net';
import { startKafka } from './start-kafka.js';
import { startTcpProxy } from './tcp-proxy.js';

describe('startKafka', () => {
  const environment = { ...process.env };
  afterEach(() => {
    process.env = { ...environment };
  });

  it('shares the broker that the environment names, and lets nobody kill it', async () => {
    process.env['TICKWIRE_TEST_KAFKA'] = '127.0.0.1:9092,127.0.0.1:9093';
    const kafka = await startKafka();
    expect(kafka!.brokers).toEqual(['127.0.0.1:9092', '127.0.0.1:9093']);
    expect(kafka!.pid).toBeUndefined();
    await expect(kafka!.kill()).rejects.toThrow(/own: true/);
    await kafka!.stop();
  });

  it('is undefined without Java, unless everything is required: then it says what to install', async () => {
    process.env['PATH'] = '/nowhere';
    delete process.env['TICKWIRE_REQUIRE_ALL'];
    expect(await startKafka({ own: true })).toBeUndefined();
    process.env['TICKWIRE_REQUIRE_ALL'] = '1';
    await expect(startKafka({ own: true })).rejects.toThrow(/Java 17/);
  });
});

describe('startTcpProxy', () => {
  it('passes bytes both ways, and loses answers when told to', async () => {
    const server = net.createServer((socket) => socket.pipe(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = await startTcpProxy({ host: '127.0.0.1', port: (server.address() as net.AddressInfo).port });
    const client = net.connect({ host: proxy.host, port: proxy.port });
    const echo = (text: string) =>
      new Promise<string>((resolve) => {
        client.once('data', (data) => resolve(data.toString()));
        client.write(text);
      });

    expect(await echo('one')).toBe('one');
    expect(proxy.bytesToClients).toBe(3);
    proxy.dropAnswers = true;
    client.write('lost');
    await new Promise((resolve) => setTimeout(resolve, 100));
    proxy.dropAnswers = false;
    expect(await echo('two')).toBe('two');

    const closed = new Promise((resolve) => client.once('close', resolve));
    client.on('error', () => undefined);
    proxy.cut();
    await closed;
    await proxy.close();
    server.close();
  });
});
