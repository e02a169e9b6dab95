import fc from 'fast-check';
import { AddressBlocked, AddressGuard } from './address-guard.js';
import { parseAllowCidrs } from './address-ranges.js';
import { NameNotResolved } from './name-resolver.js';
import type { NameResolver, ResolvedAddress } from './name-resolver.js';
import { parsePorts } from './port-ranges.js';

const refusal = (guard: AddressGuard, url: string): string => {
  const verdict = guard.checkUrl(url);
  return verdict.ok ? 'ok' : verdict.reason;
};

const answering = (...addresses: string[]): NameResolver => {
  return () => Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
};

const lookup = (guard: AddressGuard, family?: number): Promise<ResolvedAddress[]> =>
  new Promise((resolve, reject) => {
    guard.lookup('bot.example.com', { all: true, family }, (error, found) =>
      error ? reject(error) : resolve(found as ResolvedAddress[]),
    );
  });

describe('AddressGuard.checkUrl', () => {
  const production = new AddressGuard();
  const open = new AddressGuard({ allowHttp: true });

  it.each([
    'https://bot.example.com/hook',
    'https://bot.example.com:8443/hook?key=1',
    'https://8.8.8.8/',
    'https://[2606:4700:4700::1111]/',
    'https://xn--bcher-kva.example/',
    'https://my_bot.example.com/',
  ])('accepts %s', (url) => {
    expect(refusal(production, url)).toBe('ok');
  });

  it.each([
    ['http://bot.example.com/', 'scheme'],
    ['ftp://bot.example.com/', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['javascript:alert(1)', 'scheme'],
    ['https://user@bot.example.com/', 'userinfo'],
    ['https://:secret@bot.example.com/', 'userinfo'],
    ['https://bot.example.com:22/', 'port'],
    ['https://bot.example.com:25/', 'port'],
    ['https://bot.example.com:0/', 'port'],
    ['https://localhost/', 'internal_name'],
    ['https://redis/', 'internal_name'],
    ['https://metadata.google.internal/', 'internal_name'],
    ['https://db.default.svc.cluster.local/', 'internal_name'],
    ['https://api.default.svc/', 'internal_name'],
    ['https://nas.home.arpa/', 'internal_name'],
    ['https://x.LOCALHOST/', 'internal_name'],
    ['https://localhost./', 'malformed'],
    ['https://bot.example.com./', 'malformed'],
    ['https://bot..example.com/', 'malformed'],
    ['https://[fe80::1%25eth0]/', 'malformed'],
    ['/hook', 'malformed'],
    ['', 'malformed'],
    [`https://bot.example.com/${'a'.repeat(2_048)}`, 'malformed'],
  ])('refuses %s: %s', (url, reason) => {
    expect(refusal(production, url)).toBe(reason);
  });

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f000001/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://017700000001/',
    'http://127.0.0.1./',
    'http://%31%32%37.0.0.1/',
    'http://①②⑦.0.0.1/',
    'http:\\\\127.0.0.1\\',
    'http://0/',
    'http://169.254.169.254/latest/meta-data/',
    'http://0xa9fea9fe/',
    'http://[::1]/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[0:0:0:0:0:ffff:10.0.0.1]/',
    'http://[64:ff9b::a9fe:a9fe]/',
    'http://[fd00:ec2::254]/',
  ])('sees the forbidden address in %s', (url) => {
    expect(refusal(open, url)).toBe('forbidden_address');
  });

  it('judges an IPv4 address the same in every spelling of it', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), ([a, b, c, d]) => {
        const number = ((a * 256 + b) * 256 + c) * 256 + d;
        const expected = open.checkAddress([a, b, c, d].join('.')).ok ? 'ok' : 'forbidden_address';
        const spellings = [
          [a, b, c, d].join('.'),
          String(number),
          `0x${number.toString(16)}`,
          `0${number.toString(8)}`,
          [a, b, c, d].map((part) => `0${part.toString(8)}`).join('.'),
          [a, b, c, d].map((part) => `0x${part.toString(16)}`).join('.'),
          `${a}.${b}.${c * 256 + d}.`,
        ];
        for (const spelling of spellings) expect(refusal(open, `http://${spelling}/`)).toBe(expected);
      }),
    );
  });

  it('accepts exactly the listed ports where there is a list', () => {
    const guard = new AddressGuard({ allowedPorts: parsePorts('443,8440-8449') });
    expect(
      ['https://a.example.com/', 'https://a.example.com:8443/', 'https://a.example.com:9000/'].map((url) =>
        refusal(guard, url),
      ),
    ).toEqual(['ok', 'ok', 'port']);
    expect(
      refusal(new AddressGuard({ allowHttp: true, allowedPorts: parsePorts('443') }), 'http://a.example.com/'),
    ).toBe('port');
  });

  it('accepts local receivers where development allows their addresses', () => {
    const guard = new AddressGuard({ allowHttp: true, allowCidrs: parseAllowCidrs('127.0.0.0/8,::1/128') });
    const urls = ['http://127.0.0.1:3001/', 'http://[::1]:3001/', 'http://localhost:3001/', 'http://10.0.0.1:3001/'];
    expect(urls.map((url) => refusal(guard, url))).toEqual(['ok', 'ok', 'ok', 'forbidden_address']);
  });
});

describe('AddressGuard.lookup', () => {
  it('hands over the addresses that it checked, all of them', async () => {
    const guard = new AddressGuard({ resolver: answering('8.8.8.8', '2606:4700:4700::1111') });
    expect(await lookup(guard)).toEqual([
      { address: '8.8.8.8', family: 4 },
      { address: '2606:4700:4700::1111', family: 6 },
    ]);
    expect(await lookup(guard, 6)).toEqual([{ address: '2606:4700:4700::1111', family: 6 }]);
  });

  it('answers one address to a caller that asks for one', async () => {
    const guard = new AddressGuard({ resolver: answering('8.8.8.8', '1.1.1.1') });
    const answer = await new Promise((resolve) => {
      guard.lookup('bot.example.com', {}, (...found) => resolve(found));
    });
    expect(answer).toEqual([null, '8.8.8.8', 4]);
  });

  it.each([
    [['127.0.0.1']],
    [['8.8.8.8', '10.0.0.1']],
    [['8.8.8.8', '::1']],
    [['2606:4700:4700::1111', '::ffff:169.254.169.254']],
    [['8.8.8.8', 'not an address']],
  ])('refuses the name when one of %p is forbidden', async (addresses) => {
    await expect(lookup(new AddressGuard({ resolver: answering(...addresses) }))).rejects.toThrow(AddressBlocked);
    await expect(lookup(new AddressGuard({ resolver: answering(...addresses) }), 4)).rejects.toThrow(AddressBlocked);
  });

  it('does not tell which address it was', async () => {
    const error: unknown = await lookup(new AddressGuard({ resolver: answering('10.9.8.7') })).catch((e: unknown) => e);
    expect((error as Error).message).not.toMatch(/10\.9\.8\.7|private/);
  });

  it('asks again for every connection', async () => {
    const answers = ['8.8.8.8', '127.0.0.1'];
    const guard = new AddressGuard({ resolver: (name) => answering(answers.shift() ?? '')(name) });
    expect(await lookup(guard)).toEqual([{ address: '8.8.8.8', family: 4 }]);
    await expect(lookup(guard)).rejects.toThrow(AddressBlocked);
  });

  it('reports a name without addresses and a resolver that fails alike', async () => {
    await expect(lookup(new AddressGuard({ resolver: answering() }))).rejects.toThrow(NameNotResolved);
    const failing: NameResolver = () => Promise.reject(Object.assign(new Error('queryA'), { code: 'ESERVFAIL' }));
    await expect(lookup(new AddressGuard({ resolver: failing }))).rejects.toThrow(/bot\.example\.com.*ESERVFAIL/);
  });
});
