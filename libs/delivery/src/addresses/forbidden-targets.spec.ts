import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { CallbackClient } from '../callbacks/callback-client.js';
import { Receiver } from '../../fixtures/receiver.js';
import { AddressGuard, type AddressGuardSettings } from './address-guard.js';
import { parseAllowCidrs } from './address-ranges.js';
import type { ResolvedAddress } from './name-resolver.js';

const resolved = (address: string): ResolvedAddress => ({ address, family: address.includes(':') ? 6 : 4 });

/** Each with a listener that a callback would reach if it were sent: nothing may come, not even a connection. */
describe('a callback to a forbidden target', () => {
  let listener: Receiver;
  const clients: CallbackClient[] = [];
  const clientWith = (settings: AddressGuardSettings): CallbackClient => {
    const client = new CallbackClient({ guard: new AddressGuard({ allowHttp: true, ...settings }) });
    clients.push(client);
    return client;
  };

  beforeEach(async () => {
    listener = await Receiver.http((_, response) => response.end('secret'));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.destroy()));
    await listener.stop();
  });

  describe('by literal', () => {
    it.each([
      ['dotted', 'http://127.0.0.1:PORT/'],
      ['decimal', 'http://2130706433:PORT/'],
      ['octal', 'http://017700000001:PORT/'],
      ['octal octets', 'http://0177.0.0.01:PORT/'],
      ['hexadecimal', 'http://0x7f000001:PORT/'],
      ['hexadecimal, upper case', 'HTTP://0X7F.0X0.0X0.0X1:PORT/'],
      ['two parts', 'http://127.1:PORT/'],
      ['three parts', 'http://127.0.1:PORT/'],
      ['mixed bases', 'http://0x7f.0.01:PORT/'],
      ['padded octets', 'http://0000177.0.0.0001:PORT/'],
      ['trailing dot', 'http://127.0.0.1.:PORT/'],
      ['percent-encoded', 'http://%31%32%37%2e%30%2e0.1:PORT/'],
      ['full-width digits', 'http://１２７.０.０.１:PORT/'],
      ['circled digits', 'http://①②⑦.⓪.⓪.①:PORT/'],
      ['ideographic full stops', 'http://127。0。0。1:PORT/'],
      ['soft hyphens', 'http://127.0.\u00ad0.1:PORT/'],
      ['tabs and newlines', 'http://127.0\t.0\n.1:PORT/'],
      ['back slashes', 'http:\\\\127.0.0.1:PORT\\'],
      ['no slashes', 'http:127.0.0.1:PORT'],
      ['this host', 'http://0.0.0.0:PORT/'],
      ['this host in short', 'http://0:PORT/'],
      ['IPv6 loopback', 'http://[::1]:PORT/'],
      ['IPv6 loopback in full', 'http://[0000:0000:0000:0000:0000:0000:0000:0001]:PORT/'],
      ['IPv6 unspecified', 'http://[::]:PORT/'],
      ['mapped, dotted', 'http://[::ffff:127.0.0.1]:PORT/'],
      ['mapped, upper-case hexadecimal', 'http://[::FFFF:7F00:1]:PORT/'],
      ['compatible', 'http://[::127.0.0.1]:PORT/'],
      ['translated (SIIT)', 'http://[::ffff:0:127.0.0.1]:PORT/'],
      ['NAT64', 'http://[64:ff9b::127.0.0.1]:PORT/'],
      ['local NAT64', 'http://[64:ff9b:1::7f00:1]:PORT/'],
      ['6to4', 'http://[2002:7f00:1::1]:PORT/'],
      ['Teredo', 'http://[2001:0:7f00:1::80ff:fffe]:PORT/'],
      ['ISATAP', 'http://[2606:4700::5efe:127.0.0.1]:PORT/'],
    ])('%s: %s', async (_, url) => {
      const outcome = await clientWith({}).post({ url: url.replace('PORT', String(listener.port)), body: '{}' });
      expect(outcome).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
      expect(listener.sockets).toHaveLength(0);
    });

    it.each([
      ['credentials that look like a host', 'http://8.8.8.8@127.0.0.1:PORT/', 'blocked_address'],
      ['credentials with a password', 'http://bot.example.com:80@127.0.0.1:PORT/', 'blocked_address'],
      ['a fragment that looks like a host', 'http://127.0.0.1:PORT#@8.8.8.8/', 'blocked_address'],
      ['a query that looks like a host', 'http://127.0.0.1:PORT?@8.8.8.8/', 'blocked_address'],
      ['a zone', 'http://[fe80::1%25lo]:PORT/', 'invalid_request'],
      ['a zone on loopback', 'http://[::1%25lo]:PORT/', 'invalid_request'],
      ['localhost', 'http://localhost:PORT/', 'blocked_address'],
      ['localhost, upper case', 'http://LOCALHOST:PORT/', 'blocked_address'],
      ['localhost in full width', 'http://ｌｏｃａｌｈｏｓｔ:PORT/', 'blocked_address'],
      ['localhost with a root dot', 'http://localhost.:PORT/', 'invalid_request'],
      ['a name below localhost', 'http://bot.localhost:PORT/', 'blocked_address'],
      ['metadata by name', 'http://metadata.google.internal:PORT/', 'blocked_address'],
      ['a name in the cluster', 'http://api.default.svc.cluster.local:PORT/', 'blocked_address'],
      ['a bare name', 'http://redis:PORT/', 'blocked_address'],
      ['another scheme', 'gopher://127.0.0.1:PORT/', 'blocked_address'],
    ])('%s: %s', async (_, url, reason) => {
      const outcome = await clientWith({}).post({ url: url.replace('PORT', String(listener.port)), body: '{}' });
      expect(outcome).toMatchObject({ kind: 'failed', reason });
      expect(listener.sockets).toHaveLength(0);
    });

    it('at a port that the setting does not name', async () => {
      const narrow = clientWith({ allowCidrs: parseAllowCidrs('127.0.0.1'), allowedPorts: [[443, 443]] });
      const outcome = await narrow.post({ url: listener.url, body: '{}' });
      expect(outcome).toMatchObject({
        kind: 'failed',
        reason: 'blocked_address',
        detail: expect.stringMatching(/port/),
      });
      expect(listener.sockets).toHaveLength(0);
    });
  });

  describe('by a name that resolves to', () => {
    it.each([
      ['this network', '0.1.2.3'],
      ['loopback', '127.0.0.1'],
      ['all of loopback', '127.255.255.254'],
      ['private', '10.0.0.1'],
      ['private', '172.31.255.254'],
      ['private', '192.168.0.1'],
      ['carrier-grade NAT', '100.64.0.1'],
      ['link-local', '169.254.1.1'],
      ['metadata', '169.254.169.254'],
      ['metadata of containers', '169.254.170.2'],
      ['metadata in the range of carriers', '100.100.100.200'],
      ['metadata at a public number', '168.63.129.16'],
      ['metadata among protocol assignments', '192.0.0.192'],
      ['protocol assignments', '192.0.0.8'],
      ['documentation', '192.0.2.1'],
      ['documentation', '198.51.100.1'],
      ['documentation', '203.0.113.1'],
      ['benchmarking', '198.18.0.1'],
      ['the former 6to4 relay', '192.88.99.1'],
      ['multicast', '224.0.0.1'],
      ['reserved', '240.0.0.1'],
      ['broadcast', '255.255.255.255'],
      ['unspecified', '::'],
      ['loopback', '::1'],
      ['link-local', 'fe80::1'],
      ['the end of link-local', 'febf::1'],
      ['site-local', 'fec0::1'],
      ['unique local', 'fc00::1'],
      ['metadata', 'fd00:ec2::254'],
      ['metadata', 'fd20:ce::254'],
      ['multicast', 'ff02::1'],
      ['discard', '100::1'],
      ['the dummy prefix', '100:0:0:1::1'],
      ['documentation', '2001:db8::1'],
      ['documentation', '3fff::1'],
      ['benchmarking', '2001:2::1'],
      ['ORCHID', '2001:10::1'],
      ['ORCHIDv2', '2001:20::1'],
      ['drone identifiers', '2001:30::1'],
      ['segment identifiers', '5f00::1'],
      ['mapped', '::ffff:10.0.0.1'],
      ['mapped, of a public one', '::ffff:8.8.8.8'],
      ['compatible', '::10.0.0.1'],
      ['SIIT', '::ffff:0:10.0.0.1'],
      ['NAT64', '64:ff9b::10.0.0.1'],
      ['local NAT64', '64:ff9b:1::10.0.0.1'],
      ['6to4', '2002:a00:1::1'],
      ['Teredo', '2001:0:a00:1::1'],
      ['ISATAP', '2606:4700::5efe:10.0.0.1'],
      ['a zone', 'fe80::1%eth0'],
    ])('%s (%s)', async (_, address) => {
      for (const answer of [[address], ['8.8.8.8', address], [address, '2606:4700:4700::1111']]) {
        const client = clientWith({ resolver: () => Promise.resolve(answer.map(resolved)) });
        const outcome = await client.post({ url: listener.urlAt('bot.example.com'), body: '{}' });
        expect(outcome).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
        expect(outcome.kind === 'failed' && outcome.detail).not.toContain(address);
      }
      expect(listener.sockets).toHaveLength(0);
    });
  });

  /** 127.0.0.2 stands for a public address, 127.0.0.1 for one of ours, both with a listener on the same port. */
  describe('by a name whose answers change', () => {
    let allowed: http.Server;
    let reached: number;
    beforeEach(async () => {
      reached = 0;
      allowed = http.createServer((request, response) => {
        if (request.headers['x-close']) response.setHeader('connection', 'close');
        response.end('public');
      });
      allowed.on('connection', () => (reached += 1));
      allowed.listen(listener.port, '127.0.0.2');
      await once(allowed, 'listening');
    });
    afterEach(() => {
      allowed.close();
      allowed.closeAllConnections();
    });
    const ask = (client: CallbackClient, headers = {}) =>
      client.post({ url: listener.urlAt('bot.example.com'), body: '{}', headers });
    const changing = (...answers: string[][]) => {
      const asked: string[][] = [];
      const client = clientWith({
        allowCidrs: parseAllowCidrs('127.0.0.2'),
        resolver: () => {
          const answer = answers[Math.min(asked.length, answers.length - 1)]!;
          asked.push(answer);
          return Promise.resolve(answer.map(resolved));
        },
      });
      return { client, asked };
    };

    it('between check and use: the address that was checked is the one that is used', async () => {
      const { client, asked } = changing(['127.0.0.2'], ['127.0.0.1']);
      expect(await ask(client)).toMatchObject({ kind: 'response', body: Buffer.from('public') });
      expect([asked.length, reached, listener.sockets.length]).toEqual([1, 1, 0]);
    });

    it('between two connections: the second is checked anew', async () => {
      const { client, asked } = changing(['127.0.0.2'], ['127.0.0.1']);
      expect(await ask(client, { 'x-close': '1' })).toMatchObject({ kind: 'response' });
      for (let n = 0; n < 3; n += 1)
        expect(await ask(client)).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
      expect([asked.length, reached, listener.sockets.length]).toEqual([4, 1, 0]);
    });

    it('while a connection is kept: it stays where it was checked', async () => {
      const { client, asked } = changing(['127.0.0.2'], ['127.0.0.1']);
      for (let n = 0; n < 3; n += 1) expect(await ask(client)).toMatchObject({ kind: 'response' });
      expect([asked.length, reached, listener.sockets.length]).toEqual([1, 1, 0]);
    });

    it('to a list that names the forbidden one last, as if only the first counted', async () => {
      const { client } = changing(['127.0.0.2', '127.0.0.1']);
      expect(await ask(client)).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
      expect([reached, listener.sockets.length]).toEqual([0, 0]);
    });
  });

  it('is not made through a redirect', async () => {
    const redirecting = http.createServer((_, response) => response.writeHead(307, { location: listener.url }).end());
    redirecting.listen(0, '127.0.0.2');
    await once(redirecting, 'listening');
    const { port } = redirecting.address() as AddressInfo;
    const client = clientWith({ allowCidrs: parseAllowCidrs('127.0.0.2') });
    expect(await client.post({ url: `http://127.0.0.2:${port}/`, body: '{}' })).toMatchObject({ status: 307 });
    expect(listener.sockets).toHaveLength(0);
    redirecting.close();
    redirecting.closeAllConnections();
  });
});
