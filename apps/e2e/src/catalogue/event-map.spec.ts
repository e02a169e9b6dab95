import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as contracts from '@tickwire/contracts';
import type { AppName, EventDefinition } from '@tickwire/contracts';
import { eventUsageIn, type EventUsage } from './event-usage.js';

const APPS_FOLDER = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..');
const APPS: readonly AppName[] = ['ingress', 'validator', 'execution', 'tick-dispatcher', 'notifier', 'api'];

const typeOfName = new Map(
  Object.entries(contracts as Record<string, unknown>)
    .filter((entry): entry is [string, EventDefinition] => isDefinition(entry[1]))
    .map(([name, { type }]) => [name, type]),
);

describe.each(APPS)('%s', (app) => {
  let usage: EventUsage;
  beforeAll(() => {
    const sources = join(APPS_FOLDER, app, 'src');
    if (!existsSync(sources)) throw new Error(`${sources} is not there`);
    usage = eventUsageIn(sources);
  });

  it('consumes what the contracts say it consumes, and nothing else', () => {
    expect(typesOf(usage.consumed)).toEqual(declaredFor(app, 'consumers'));
  });

  it('produces what the contracts say it produces, and nothing else', () => {
    expect(typesOf(usage.produced)).toEqual(declaredFor(app, 'producers'));
  });
});

it('knows every event by the name it is exported under', () => {
  expect([...typeOfName.values()].sort()).toEqual(
    contracts
      .eventDefinitions()
      .map(({ type }) => type)
      .sort(),
  );
});

/** @throws Error for a name that is no definition of the contracts: an alias would hide an event from this test */
function typesOf(names: Set<string>): string[] {
  return [...names]
    .map((name) => {
      const type = typeOfName.get(name);
      if (!type) throw new Error(`${name} is not an event definition of @tickwire/contracts`);
      return type;
    })
    .sort();
}

function declaredFor(app: AppName, role: 'consumers' | 'producers'): string[] {
  return contracts
    .eventDefinitions()
    .filter((definition) => definition[role].includes(app))
    .map(({ type }) => type)
    .sort();
}

function isDefinition(value: unknown): value is EventDefinition {
  return typeof value === 'object' && value !== null && 'problemOf' in value;
}
