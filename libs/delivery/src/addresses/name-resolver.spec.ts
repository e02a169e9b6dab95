import dgram from 'node:dgram';
import { once } from 'node:events';
import { AddressGuard } from './address-guard.js';
import { parseAllowCidrs } from './address-ranges.js';
import { networkResolver, systemResolver } from './name-resolver.js';
import type { NameResolver } from './name-resolver.js';

const A = 1;
const AAAA = 28;
type Answers = Record<string, readonly string[] | 'nxdomain' | 'silent'>;

describe('networkResolver', () => {
  const servers: dgram.Socket[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));

  /** A name server on 127.0.0.1 that answers every name with `a` and `aaaa`, TTL 0. */
  const resolverFor = async (answers: () => { a: Answers[string]; aaaa: Answers[string] }): Promise<NameResolver> => {
    const server = dgram.createSocket('udp4');
    servers.push(server);
    server.on('message', (query, from) => {
      const { a, aaaa } = answers();
      const type = query.readUInt16BE(endOfName(query));
      const answer = type === A ? a : type === AAAA ? aaaa : [];
      if (answer !== 'silent') server.send(reply(query, type, answer), from.port, from.address);
    });
    server.bind(0, '127.0.0.1');
    await once(server, 'listening');
    return networkResolver({ timeoutMs: 100, tries: 1, servers: [`127.0.0.1:${server.address().port}`] });
  };

  it('finds the addresses of both families', async () => {
    const resolve = await resolverFor(() => ({ a: ['8.8.8.8', '10.0.0.1'], aaaa: ['2606:4700::1111'] }));
    expect(await resolve('bot.example.com')).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '10.0.0.1', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ]);
  });

  it('is content with one family when the other has no address or no answer', async () => {
    for (const aaaa of [[], 'nxdomain', 'silent'] as const) {
      const resolve = await resolverFor(() => ({ a: ['8.8.8.8'], aaaa }));
      expect(await resolve('bot.example.com')).toEqual([{ address: '8.8.8.8', family: 4 }]);
    }
  });

  it.each([
    ['nxdomain', /ENOTFOUND/],
    ['silent', /ETIMEOUT/],
    [[], /ENODATA/],
  ] as const)('says why there is none when the server answers %p', async (answer, why) => {
    const resolve = await resolverFor(() => ({ a: answer, aaaa: answer }));
    await expect(resolve('bot.example.com')).rejects.toThrow(why);
  });

  it('is asked again each time, so that the guard sees an answer that changed', async () => {
    let asked = 0;
    const resolver = await resolverFor(() => ({ a: asked++ < 2 ? ['8.8.8.8'] : ['127.0.0.1'], aaaa: [] }));
    const guard = new AddressGuard({ resolver });
    const lookup = () =>
      new Promise((resolve, reject) => {
        guard.lookup('bot.example.com', { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
      });
    expect(await lookup()).toEqual([{ address: '8.8.8.8', family: 4 }]);
    await expect(lookup()).rejects.toThrow(/may not reach/);
  });
});

describe('systemResolver', () => {
  it('knows the names of this machine, which the guard then judges like any other', async () => {
    const found = await systemResolver('localhost');
    expect(found.length).toBeGreaterThan(0);
    const allow = new AddressGuard({ allowCidrs: parseAllowCidrs('127.0.0.0/8,::1') });
    expect(found.every(({ address }) => allow.checkAddress(address).ok)).toBe(true);
    expect(found.some(({ address }) => new AddressGuard().checkAddress(address).ok)).toBe(false);
  });
});

/** The offset of QTYPE, behind the name's labels. */
function endOfName(query: Buffer): number {
  let at = 12;
  while ((query[at] ?? 0) > 0) at += (query[at] ?? 0) + 1;
  return at + 1;
}

/** The answer to the one question of `query`; without its EDNS record. */
function reply(query: Buffer, type: number, answer: readonly string[] | 'nxdomain'): Buffer {
  const question = query.subarray(12, endOfName(query) + 4);
  const addresses = answer === 'nxdomain' ? [] : answer;
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(answer === 'nxdomain' ? 0x8183 : 0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const records = addresses.map((address) => {
    const data = type === A ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
    const record = Buffer.alloc(12);
    record.writeUInt16BE(0xc00c, 0); // the name of the question
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt16BE(data.length, 10);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, question, ...records]);
}

function ipv6Bytes(address: string): Buffer {
  const [left = '', right = ''] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const middle = Array<string>(8 - groups(left).length - groups(right).length).fill('0');
  const hex = [...groups(left), ...middle, ...groups(right)].map((group) => group.padStart(4, '0')).join('');
  return Buffer.from(hex, 'hex');
}
