import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { judgeAddress } from './address-ranges.js';
import type { AddressVerdict, AllowedCidr } from './address-ranges.js';
import { NameNotResolved, networkResolver, systemResolver } from './name-resolver.js';
import type { NameResolver } from './name-resolver.js';
import { DEFAULT_PORTS, type PortRange } from './port-ranges.js';

export interface AddressGuardSettings {
  /** Addresses that are fine although they are not public; see `parseAllowCidrs`. Default: none. */
  allowCidrs?: readonly AllowedCidr[];
  /** The only ports a URL may name; see `parsePorts`. Default: 80, 443 and everything from 1024 up. */
  allowedPorts?: readonly PortRange[];
  /** Accept `http:` beside `https:`. Default: no. */
  allowHttp?: boolean;
  /**
   * Accept names that only mean something inside a network (`localhost`, `redis`, `db.internal`). Their addresses are
   * judged like any other. Default: yes where `allowCidrs` has an entry, since such a name could not be of use before.
   */
  allowInternalNames?: boolean;
  /** Default: the name servers for public names, the operating system for internal ones. */
  resolver?: NameResolver;
}

/** `malformed`: no URL at all, or longer than 2048 characters. The others say which rule of the guard it breaks. */
export type UrlRefusal = 'malformed' | 'scheme' | 'userinfo' | 'port' | 'internal_name' | 'forbidden_address';

export type UrlVerdict = { ok: true; url: URL } | { ok: false; reason: UrlRefusal; detail: string };

/** A connection was refused before its first packet. Names neither address nor range: that would map our network. */
export class AddressBlocked extends Error {
  readonly code = 'ADDRESS_BLOCKED';

  constructor(hostname: string) {
    super(`${hostname} is, or resolves to, an address that callbacks may not reach`);
  }
}

const MAX_URL_LENGTH = 2_048;

/** Last labels that stand for a private network (RFC 6761, 6762, 8375; custom of resolvers, clouds, Kubernetes). */
const INTERNAL_SUFFIXES = new Set(
  'localhost local localdomain internal intranet private corp home lan svc arpa'.split(' '),
);

/** Keeps outbound calls, whose targets strangers choose, away from every network that is not public. */
export class AddressGuard {
  private readonly allowCidrs: readonly AllowedCidr[];
  private readonly allowInternalNames: boolean;
  private readonly ports: readonly PortRange[];
  private readonly allowHttp: boolean;
  private readonly resolver: NameResolver;

  constructor(settings: AddressGuardSettings = {}) {
    this.allowCidrs = settings.allowCidrs ?? [];
    this.allowInternalNames = settings.allowInternalNames ?? this.allowCidrs.length > 0;
    this.ports = settings.allowedPorts ?? DEFAULT_PORTS;
    this.allowHttp = settings.allowHttp ?? false;
    this.resolver = settings.resolver ?? resolveByKind();
  }

  /**
   * Judges a URL by its form, without resolving names: for registration, and again before every call.
   * Passing does not make a name safe; `lookup` decides that on each connection.
   */
  checkUrl(text: string): UrlVerdict {
    if (text.length > MAX_URL_LENGTH) return refuse('malformed', `longer than ${MAX_URL_LENGTH} characters`);
    if (!URL.canParse(text)) return refuse('malformed', 'not an absolute URL');
    const url = new URL(text); // turns 0x7f.1, 2130706433, 0177.0.0.1 and full-width digits into dotted decimals
    if (url.protocol !== 'https:' && !(this.allowHttp && url.protocol === 'http:')) {
      return refuse('scheme', this.allowHttp ? 'only http and https are accepted' : 'only https is accepted');
    }
    if (url.username !== '' || url.password !== '') return refuse('userinfo', 'credentials in a URL are not accepted');
    if (!this.isPortAllowed(url)) return refuse('port', `port ${url.port} is not accepted`);
    return this.checkHost(url);
  }

  /** @param address an IP literal without brackets */
  checkAddress(address: string): AddressVerdict {
    return judgeAddress(address, this.allowCidrs);
  }

  /**
   * For `net.connect`: resolves all addresses, refuses when any of them is forbidden, and hands over exactly the
   * addresses that were checked, so that a second answer of the name server is never used.
   * Node does not call it for IP literals; whoever connects checks those with `checkAddress`.
   */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    this.resolve(hostname).then(
      (addresses) => {
        const { family } = options;
        const usable = family === 4 || family === 6 ? addresses.filter((entry) => entry.family === family) : addresses;
        const [first] = usable;
        if (first === undefined) return callback(new NameNotResolved(hostname, 'no address'), '');
        if (options.all) return callback(null, [...usable]);
        callback(null, first.address, first.family);
      },
      (error: Error) => callback(error, ''),
    );
  };

  private async resolve(hostname: string) {
    const addresses = await this.resolver(hostname).catch((error: unknown) => {
      if (error instanceof NameNotResolved) throw error;
      throw new NameNotResolved(hostname, (error as NodeJS.ErrnoException | undefined)?.code ?? 'failed');
    });
    if (addresses.length === 0) throw new NameNotResolved(hostname, 'no address');
    // One forbidden address spoils the answer: a mixed answer is how a name is moved onto an internal host.
    if (!addresses.every(({ address }) => this.checkAddress(address).ok)) throw new AddressBlocked(hostname);
    return addresses;
  }

  private isPortAllowed(url: URL): boolean {
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    return this.ports.some(([first, last]) => port >= first && port <= last);
  }

  private checkHost(url: URL): UrlVerdict {
    const literal = bareHost(url);
    if (isIP(literal) !== 0) {
      return this.checkAddress(literal).ok
        ? { ok: true, url }
        : refuse('forbidden_address', 'only public addresses are accepted');
    }
    // A root dot would slip past suffix rules and certificate checks; empty labels resolve nowhere.
    if (url.hostname.length > 253 || url.hostname.split('.').includes('')) {
      return refuse('malformed', 'the host name is not valid');
    }
    if (!this.allowInternalNames && isInternalName(url.hostname)) {
      return refuse('internal_name', 'the host name is not a public one');
    }
    return { ok: true, url };
  }
}

/** The host of a URL as `net` wants it: IPv6 literals lose their brackets. */
export function bareHost(url: URL): string {
  return url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
}

function isInternalName(hostname: string): boolean {
  const lastDot = hostname.lastIndexOf('.');
  return lastDot === -1 || INTERNAL_SUFFIXES.has(hostname.slice(lastDot + 1));
}

function resolveByKind(): NameResolver {
  const fromNetwork = networkResolver();
  return (hostname) => (isInternalName(hostname) ? systemResolver(hostname) : fromNetwork(hostname));
}

function refuse(reason: UrlRefusal, detail: string): UrlVerdict {
  return { ok: false, reason, detail };
}
