import type { ConfigClass } from '@tickwire/config';
import { ApiConfig } from '@tickwire/api';
import { ExecutionConfig } from '@tickwire/execution';
import { IngressConfig } from '@tickwire/ingress';
import { NotifierConfig } from '@tickwire/notifier';
import { TickDispatcherConfig } from '@tickwire/tick-dispatcher';
import { ValidatorConfig } from '@tickwire/validator';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

export const ROOT = new URL('../../../../', import.meta.url);

/** The config class of each app that has a process of its own. */
export const CONFIG_CLASSES: Readonly<Record<string, ConfigClass<object>>> = {
  api: ApiConfig,
  execution: ExecutionConfig,
  ingress: IngressConfig,
  notifier: NotifierConfig,
  'tick-dispatcher': TickDispatcherConfig,
  validator: ValidatorConfig,
};

/** Folders of `apps/` whose `main.ts` runs an app on its host, sorted. */
export function runnableApps(): string[] {
  const apps = new URL('apps/', ROOT);
  return readdirSync(apps)
    .filter((name) => {
      const main = new URL(`${name}/src/main.ts`, apps);
      return existsSync(main) && /\brunApp\(/.test(readFileSync(main, 'utf8'));
    })
    .sort();
}
