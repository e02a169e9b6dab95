import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** What a running local system tells tools and people; names are kept from version to version. */
export interface DevFile {
  ingressUrl: string;
  apiUrl: string;
  adminToken: string;
  tenantId?: string;
  accountId?: string;
  botId?: string;
  apiKey?: string;
  signingSecret?: string;
  symbol?: string;
  worldId?: string;
  agents: { agentId: string; apiKey: string; webhookSecret: string; callbackUrl: string }[];
  kafkaBrokers?: string[];
}

/** Writes `<dataDir>/dev.json`, readable by its owner alone, whole or not at all. */
export function writeDevFile(dataDir: string, content: DevFile): string {
  const file = path.join(dataDir, 'dev.json');
  writeFileSync(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return file;
}
