import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { generateApiKey } from '@tickwire/credentials';

/** What a deployment gets from its secret store, and a local run makes for itself. */
export interface LocalSecrets {
  ADMIN_TOKEN: string;
  API_KEY_PEPPER: string;
  STATUS_TOKEN_KEY: string;
  SECRETS_KEYS: string;
}

/** The secrets of a data folder, made at the first start and kept: with others, its sealed rows could not be opened. */
export function localSecrets(dataDir: string): LocalSecrets {
  const file = path.join(dataDir, 'secrets.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as LocalSecrets;
  const secrets: LocalSecrets = {
    ADMIN_TOKEN: generateApiKey('admin').text,
    API_KEY_PEPPER: randomBytes(32).toString('base64url'),
    STATUS_TOKEN_KEY: randomBytes(32).toString('base64url'),
    SECRETS_KEYS: `local-1:${randomBytes(32).toString('base64')}`,
  };
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
