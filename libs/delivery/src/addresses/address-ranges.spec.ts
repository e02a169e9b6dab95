import fc from 'fast-check';
import { judgeAddress, parseAllowCidrs } from './address-ranges.js';

const NONE = parseAllowCidrs('');
const isOk = (address: string, allow = NONE): boolean => judgeAddress(address, allow).ok;

describe('judgeAddress', () => {
  it.each([
    ['8.8.8.8'],
    ['1.1.1.1'],
    ['172.15.255.255'],
    ['172.32.0.0'],
    ['100.63.255.255'],
    ['100.128.0.0'],
    ['223.255.255.255'],
    ['2606:4700:4700::1111'],
    ['2a00:1450:4001:80e::200e'],
  ])('lets public address %s through', (address) => {
    expect(judgeAddress(address, NONE)).toEqual({ ok: true });
  });

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'unspecified'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'carrierGradeNat'],
    ['100.100.100.200', 'carrierGradeNat'],
    ['169.254.169.254', 'linkLocal'],
    ['168.63.129.16', 'metadata'],
    ['192.0.0.192', 'reserved'],
    ['192.0.2.1', 'reserved'],
    ['198.51.100.7', 'reserved'],
    ['203.0.113.7', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['198.19.255.255', 'reserved'],
    ['192.88.99.1', 'reserved'],
    ['240.0.0.1', 'reserved'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['fe80::1', 'linkLocal'],
    ['fec0::1', 'deprecatedSiteLocal'],
    ['fc00::1', 'uniqueLocal'],
    ['fd00:ec2::254', 'uniqueLocal'],
    ['ff02::1', 'multicast'],
    ['100::1', 'discard'],
    ['2001:db8::1', 'reserved'],
    ['3fff::1', 'reserved'],
    ['2001:2::1', 'benchmarking'],
    ['2001:20::1', 'orchid2'],
    ['4000::1', 'unassigned'],
    ['::ffff:127.0.0.1', 'ipv4Mapped'],
    ['::ffff:8.8.8.8', 'ipv4Mapped'],
    ['::ffff:0:127.0.0.1', 'rfc6145'],
    ['::127.0.0.1', 'ipv4Compatible'],
    ['64:ff9b::127.0.0.1', 'rfc6052'],
    ['64:ff9b::8.8.8.8', 'rfc6052'],
    ['64:ff9b:1::a00:1', 'rfc6052'],
    ['2002:7f00:1::', '6to4'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'teredo'],
    ['2606:4700::5efe:10.0.0.1', 'private inside IPv6'],
    ['2606:4700::200:5efe:7f00:1', 'loopback inside IPv6'],
  ])('refuses %s as %s', (address, range) => {
    expect(judgeAddress(address, NONE)).toEqual({ ok: false, range });
  });

  it.each(['', 'localhost', '127.1', '0177.0.0.1', '0x7f000001', '2130706433', '1.2.3.4.5', 'fe80::1%eth0', '[::1]'])(
    'refuses %p, which is not an address in its one usual form',
    (text) => {
      expect(judgeAddress(text, NONE)).toEqual({ ok: false, range: 'malformed' });
    },
  );

  it('lets allow-listed ranges through and nothing beside them', () => {
    const allow = parseAllowCidrs('127.0.0.0/8, ::1/128, 10.2.0.0/16');
    expect(['127.0.0.1', '127.9.9.9', '::1', '10.2.255.255'].map((a) => isOk(a, allow))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['10.3.0.0', '::', '192.168.0.1', '169.254.169.254'].some((a) => isOk(a, allow))).toBe(false);
  });

  it('judges a mapped address as the IPv4 address that it is', () => {
    const allow = parseAllowCidrs('127.0.0.0/8');
    expect(isOk('::ffff:127.0.0.1', allow)).toBe(true);
    expect(isOk('::ffff:7f00:1', allow)).toBe(true);
    expect(isOk('::ffff:10.0.0.1', allow)).toBe(false);
    expect(isOk('::127.0.0.1', allow)).toBe(false); // compatible, not mapped: another address
  });

  it('does not let an allowed NAT64 prefix smuggle a private IPv4 address', () => {
    const allow = parseAllowCidrs('64:ff9b::/96');
    expect(isOk('64:ff9b::8.8.8.8', allow)).toBe(true);
    expect(isOk('64:ff9b::10.0.0.1', allow)).toBe(false);
    expect(isOk('64:ff9b::10.0.0.1', parseAllowCidrs('64:ff9b::/96,10.0.0.0/8'))).toBe(true);
  });

  it('looks at both addresses inside an allowed Teredo prefix', () => {
    const allow = parseAllowCidrs('2001::/32');
    expect(isOk('2001:0:808:808:0:0:f7f7:f7f7', allow)).toBe(true); // server and client 8.8.8.8
    expect(isOk('2001:0:a00:1:0:0:f7f7:f7f7', allow)).toBe(false); // server 10.0.0.1
    expect(isOk('2001:0:808:808:0:0:80ff:fffe', allow)).toBe(false); // client 127.0.0.1
  });

  it('refuses every wrapping of every address, whatever it wraps', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), (octets) => {
        const dotted = octets.join('.');
        const hex = octets.map((o) => o.toString(16).padStart(2, '0')).join('');
        const six = `2002:${hex.slice(0, 4)}:${hex.slice(4)}::1`;
        for (const wrapped of [`::ffff:${dotted}`, `64:ff9b::${dotted}`, `::ffff:0:${dotted}`, `::${dotted}`, six]) {
          expect(isOk(wrapped)).toBe(false);
        }
      }),
    );
  });

  it('lets nothing through that the allow-list names only by accident of family', () => {
    expect(isOk('10.0.0.1', parseAllowCidrs('::/0'))).toBe(false);
    expect(isOk('fc00::1', parseAllowCidrs('0.0.0.0/0'))).toBe(false);
  });
});

describe('parseAllowCidrs', () => {
  it('reads blank text as no exception at all', () => {
    expect([undefined, '', ' ', ' , '].map((text) => parseAllowCidrs(text))).toEqual([[], [], [], []]);
  });

  it('reads a single address as itself only', () => {
    const allow = parseAllowCidrs('127.0.0.1');
    expect([isOk('127.0.0.1', allow), isOk('127.0.0.2', allow)]).toEqual([true, false]);
  });

  it.each([
    'localhost',
    '127.0.0.0/33',
    '127.1/8',
    '0177.0.0.0/8',
    '::1/129',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    '10.0.0.0/-1',
    'fe80::1%lo/64',
  ])('stops at %p and names its position', (entry) => {
    expect(() => parseAllowCidrs(`::1/128, ${entry}`)).toThrow(/entry 2 /);
  });
});
