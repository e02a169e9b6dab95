import { UsageError } from '../terminal/exit-codes.js';

/** The environment variables that the commands read. Secrets come from here only: a command line is seen by others. */
export const ENV = {
  ingressUrl: 'TICKWIRE_INGRESS_URL',
  apiUrl: 'TICKWIRE_API_URL',
  apiKey: 'TICKWIRE_API_KEY',
  signingSecret: 'TICKWIRE_SIGNING_SECRET',
  adminToken: 'TICKWIRE_ADMIN_TOKEN',
} as const;

/** A value that is set; an empty variable counts as unset. */
export function fromEnv(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

/**
 * The absolute address of a path below a base URL, which may itself have a path.
 * @param base as given by the user; `source` says where, for the message
 * @throws UsageError unless it is http or https, without credentials and query
 */
export function addressOf(base: string, source: string, path: string): URL {
  if (!URL.canParse(base)) throw new UsageError(`${source} is not a URL. Give it as https://host[:port].`);
  const url = new URL(base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new UsageError(`${source} must be http or https.`);
  if (url.username !== '' || url.password !== '') throw new UsageError(`${source} must not hold credentials.`);
  if (url.search !== '' || url.hash !== '') throw new UsageError(`${source} must end before any ? or #.`);
  return new URL(`${url.pathname.replace(/\/+$/, '')}${path}`, url.origin);
}
