import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../terminal/exit-codes.js';

/** What a running `npm start` tells of itself: where it listens, and a tenant that is ready to trade. */
export interface DevFile {
  ingressUrl: string;
  apiUrl: string;
  adminToken: string;
  tenantId: string;
  accountId: string;
  botId: string;
  apiKey: string;
  signingSecret: string;
  symbol: string;
}

const MEMBERS: readonly (keyof DevFile)[] = [
  'ingressUrl',
  'apiUrl',
  'adminToken',
  'tenantId',
  'accountId',
  'botId',
  'apiKey',
  'signingSecret',
  'symbol',
];

/**
 * Reads `dev.json`.
 * @param folder the one it lies in, or one that has it in `.tickwire/`
 * @throws UsageError when there is none, or when it lacks something; the message never repeats its content
 */
export async function readDevFile(folder: string): Promise<DevFile> {
  const places = [join(folder, 'dev.json'), join(folder, '.tickwire', 'dev.json')];
  for (const place of places) {
    const text = await readIfThere(place);
    if (text !== undefined) return parse(text, place);
  }
  throw new UsageError(`No ${places.join(' or ')}: is "npm start" running? Name its folder with --from-dev <dir>.`);
}

async function readIfThere(place: string): Promise<string | undefined> {
  try {
    return await readFile(place, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new UsageError(`${place} cannot be read: ${message}`);
  }
}

function parse(text: string, place: string): DevFile {
  let members: Partial<Record<keyof DevFile, unknown>> | null;
  try {
    members = JSON.parse(text) as Partial<Record<keyof DevFile, unknown>> | null;
  } catch {
    throw new UsageError(`${place} is not JSON.`);
  }
  const missing = MEMBERS.filter((name) => typeof members?.[name] !== 'string');
  if (missing.length > 0) throw new UsageError(`${place} lacks ${missing.join(', ')}.`);
  return members as unknown as DevFile;
}
