import { readFileSync } from 'node:fs';
import yaml from 'yaml';
import { appOfCommand, type DeployedProcess } from './compare-settings.js';
import { ROOT } from './runnable-apps.js';

export interface ComposeService {
  image: string;
  command?: string[];
  environment?: Record<string, string | number | boolean>;
  ports?: string[];
  healthcheck?: { test?: string[]; disable?: boolean };
  stop_grace_period?: string;
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  /** Variables left at their defaults, by app; `every-app`: those of all. */
  'x-defaults': Record<string, string[]>;
}

/** `docker-compose.yml` with its anchors and merges resolved; the variables of `.env` stay as they are written. */
export function readCompose(): ComposeFile {
  return yaml.parse(readFileSync(new URL('docker-compose.yml', ROOT), 'utf8'), { merge: true }) as ComposeFile;
}

/** The processes of our apps. */
export function composeProcesses({ services, 'x-defaults': defaults }: ComposeFile): DeployedProcess[] {
  return Object.entries(services).flatMap(([name, { command, environment }]) => {
    const app = appOfCommand(command);
    if (app === undefined) return [];
    const set = new Map(Object.entries(environment ?? {}).map(([key, value]) => [key, literal(String(value))]));
    return [
      {
        name: `compose ${name}`,
        app,
        set,
        leftAtDefault: [...(defaults['every-app'] ?? []), ...(defaults[app] ?? [])],
      },
    ];
  });
}

/** Variables that compose takes from `.env`, and whether it refuses to start without them. */
export function composeVariables(): Map<string, { required: boolean }> {
  const text = readFileSync(new URL('docker-compose.yml', ROOT), 'utf8');
  return new Map(
    [...text.matchAll(/\$\{(\w+)(:[?-])?/g)].map(([, name, form]) => [name!, { required: form === ':?' }]),
  );
}

/** `NAME=value` lines of `.env.example`. */
export function readEnvExample(): Map<string, string> {
  const text = readFileSync(new URL('.env.example', ROOT), 'utf8');
  return new Map([...text.matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]));
}

function literal(value: string): string | undefined {
  return value.includes('${') ? undefined : value;
}
