import { lookup, Resolver } from 'node:dns/promises';

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

/** Every address of a name, of both families. Rejects, or answers an empty list, when there is none. */
export type NameResolver = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/** The name has no usable address, or its name servers did not answer. */
export class NameNotResolved extends Error {
  readonly code = 'NAME_NOT_RESOLVED';

  constructor(hostname: string, reason: string) {
    super(`${hostname} could not be resolved (${reason})`);
  }
}

export interface NetworkResolverSettings {
  /** Of one query. Default 2 s. */
  timeoutMs?: number;
  /** Queries at most, per server. Default 2. */
  tries?: number;
  /** `address` or `address:port`. Default: those of resolv.conf. */
  servers?: readonly string[];
}

/**
 * Asks the name servers of resolv.conf directly, both families at once.
 * Not the system's resolver: that one runs on the few threads that also serve files and zlib, and a receiver whose
 * name server never answers would block them for everybody.
 *
 * No cache: every new connection asks, and what it is told is checked.
 */
export function networkResolver({ timeoutMs = 2_000, tries = 2, servers }: NetworkResolverSettings = {}): NameResolver {
  const resolver = new Resolver({ timeout: timeoutMs, tries });
  if (servers) resolver.setServers(servers);
  return async (hostname) => {
    const [four, six] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)]);
    const addresses: ResolvedAddress[] = [];
    if (four.status === 'fulfilled') for (const address of four.value) addresses.push({ address, family: 4 });
    if (six.status === 'fulfilled') for (const address of six.value) addresses.push({ address, family: 6 });
    if (addresses.length === 0) throw new NameNotResolved(hostname, codeOf(four) ?? codeOf(six) ?? 'no address');
    return addresses;
  };
}

/** The operating system's view: hosts file, search domains, container names. For names that an operator trusts. */
export const systemResolver: NameResolver = async (hostname) => {
  const found = await lookup(hostname, { all: true, order: 'verbatim' });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
};

function codeOf(result: PromiseSettledResult<unknown>): string | undefined {
  return result.status === 'rejected' ? (result.reason as NodeJS.ErrnoException).code : undefined;
}
