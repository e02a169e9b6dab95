import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

type IPv4 = InstanceType<typeof ipaddr.IPv4>;
type IPv6 = InstanceType<typeof ipaddr.IPv6>;

/** One entry of an allow-list: base address and prefix length in bits. */
export type AllowedCidr = readonly [IPv4 | IPv6, number];

/** Why an address may not be called: the name of the range it lies in, e.g. `loopback`, `private`, `teredo`. */
export type AddressVerdict = { ok: true } | { ok: false; range: string };

const OK: AddressVerdict = { ok: true };

/** Public by number, internal by meaning: answers only inside a cloud, and answers with credentials. */
const METADATA = new Set(['168.63.129.16']); // Azure's host agent; every other cloud's lies in a special range

/** The only block from which global unicast IPv6 is assigned (RFC 4291, IANA registry). */
const GLOBAL_UNICAST: [IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];
/** Special-purpose blocks inside it that older tables miss. */
const SPECIAL_IPV6: [IPv6, number][] = [
  [ipaddr.IPv6.parse('2001::'), 23], // IETF protocol assignments: Teredo, benchmarking, ORCHID, AMT, …
  [ipaddr.IPv6.parse('2001:db8::'), 32], // documentation
  [ipaddr.IPv6.parse('3fff::'), 20], // documentation, RFC 9637
];

/**
 * Reads `CALLBACK_ALLOW_CIDRS`: comma-separated CIDRs or single addresses, e.g. `127.0.0.0/8,::1/128`. Blank: none.
 *
 * @throws TypeError naming the position of an entry that is neither an address nor a CIDR
 */
export function parseAllowCidrs(text: string | undefined): AllowedCidr[] {
  const entries = (text ?? '').split(',').map((entry) => entry.trim());
  return entries.flatMap((entry, index) => (entry === '' ? [] : [parseAllowCidr(entry, index + 1)]));
}

function parseAllowCidr(entry: string, position: number): AllowedCidr {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address); // strict: no octal, no short forms, which would allow something else than was meant
  const widest = family === 6 ? 128 : 32;
  const bits = prefix === undefined ? widest : /^\d{1,3}$/.test(prefix) ? Number(prefix) : NaN;
  if (family === 0 || address.includes('%') || rest.length > 0 || !(bits >= 0 && bits <= widest)) {
    throw new TypeError(`entry ${position} of the list is neither an IP address nor a CIDR`);
  }
  return [parse(address), bits];
}

/**
 * Tells whether a callback may connect to `address`. Everything but public unicast is refused, unless allow-listed.
 *
 * IPv6 forms that carry an IPv4 address are unwrapped. An IPv4-mapped address is the IPv4 address, so it is allowed
 * where that one is allow-listed, and refused otherwise: no public name has a reason to use the form. Transition
 * prefixes (NAT64, 6to4, Teredo, …) need an allow-list entry themselves, and the IPv4 inside has to pass as well.
 *
 * @param address an IP literal without brackets; anything else is refused as `malformed`
 */
export function judgeAddress(address: string, allow: readonly AllowedCidr[]): AddressVerdict {
  // A zone id names an interface of this machine: never somebody else's receiver.
  if (isIP(address) === 0 || address.includes('%')) return { ok: false, range: 'malformed' };
  const parsed = parse(address);
  return parsed instanceof ipaddr.IPv4 ? judgeIPv4(parsed, allow) : judgeIPv6(parsed as IPv6, allow);
}

/** @param literal what `isIP` accepts, without a zone */
function parse(literal: string): IPv4 | IPv6 {
  // ipaddr.js reads `::1.2.3.4` as mapped, the operating system does not: give it no dots to interpret.
  return ipaddr.parse(literal.includes(':') ? new URL(`http://[${literal}]`).hostname.slice(1, -1) : literal);
}

function judgeIPv4(address: IPv4, allow: readonly AllowedCidr[]): AddressVerdict {
  if (isAllowed(address, allow)) return OK;
  if (METADATA.has(address.toString())) return { ok: false, range: 'metadata' };
  const range = address.range();
  return range === 'unicast' ? OK : { ok: false, range };
}

function judgeIPv6(address: IPv6, allow: readonly AllowedCidr[]): AddressVerdict {
  if (address.isIPv4MappedAddress()) {
    return isAllowed(address.toIPv4Address(), allow) ? OK : { ok: false, range: 'ipv4Mapped' };
  }
  const allowed = isAllowed(address, allow);
  const range = rangeOfIPv6(address);
  if (range !== 'unicast' && !allowed) return { ok: false, range };
  for (const embedded of embeddedIPv4(address)) {
    const verdict = judgeIPv4(embedded, allow);
    if (!verdict.ok) return { ok: false, range: `${verdict.range} inside IPv6` };
  }
  return OK;
}

function rangeOfIPv6(address: IPv6): string {
  const range: string = address.range();
  if (range !== 'unicast') return range;
  if (!address.match(GLOBAL_UNICAST)) return isCompatible(address) ? 'ipv4Compatible' : 'unassigned';
  return SPECIAL_IPV6.some((block) => address.match(block)) ? 'reserved' : 'unicast';
}

function isAllowed(address: IPv4 | IPv6, allow: readonly AllowedCidr[]): boolean {
  return allow.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits));
}

/** The IPv4 addresses to which a translator, a relay or a tunnel would hand packets for this IPv6 address. */
function embeddedIPv4(address: IPv6): IPv4[] {
  const bytes = address.toByteArray();
  const at = (offset: number, mask = 0): IPv4 =>
    new ipaddr.IPv4(bytes.slice(offset, offset + 4).map((byte) => byte ^ mask));
  const range: string = address.range();
  if (range === '6to4') return [at(2)];
  if (range === 'teredo') return [at(4), at(12, 0xff)]; // the server, and the client with its bits inverted
  if (range === 'rfc6052' || range === 'rfc6145' || isCompatible(address)) return [at(12)];
  const [, , , , h4, h5] = address.parts as [number, number, number, number, number, number];
  return (h4 === 0 || h4 === 0x200) && h5 === 0x5efe ? [at(12)] : []; // ISATAP interface identifier
}

/** `::a.b.c.d`, deprecated; `::` and `::1` are addresses of their own. */
function isCompatible(address: IPv6): boolean {
  return address.parts.slice(0, 6).every((part) => part === 0) && address.parts[6] !== 0;
}
