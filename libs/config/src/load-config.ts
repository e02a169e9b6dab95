import { inspect } from 'node:util';
import { validateSync } from 'class-validator';
import type { ConfigClass, ConfigField } from './config-fields.js';
import { describeConfig } from './config-fields.js';

export interface ConfigProblem {
  name: string;
  /** What is wanted, e.g. `must not be less than 1`. Never the value: it may be a secret in the wrong place. */
  wanted: string[];
}

/** The environment does not fit the config class. The message names every bad variable, so that one look is enough. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(
      `The configuration is not usable:\n${problems.map(({ name, wanted }) => `  ${name}: ${wanted.join(', ')}`).join('\n')}`,
    );
  }
}

const REDACTED = '[redacted]';
const NUMBER = /^[+-]?\d+(\.\d+)?$/;
const BOOLEANS: Readonly<Record<string, boolean>> = { true: true, '1': true, false: false, '0': false };

/**
 * Reads a config class from the environment, once, in `main.ts`. Types come from the fields' declarations, and each
 * variable is converted strictly: numbers in plain decimal notation, booleans `true`, `false`, `1` or `0`, lists
 * separated by commas. An empty variable counts as unset (compose files and manifests cannot say "absent");
 * variables that the class does not have are none of its business. Then class-validator's decorators decide.
 *
 * @returns a frozen instance; fields marked `@Secret()` do not print
 * @throws ConfigError naming every bad or missing variable, never a value
 */
export function loadConfig<T extends object>(
  Class: ConfigClass<T>,
  env: Readonly<Record<string, string | undefined>> = process.env,
): T {
  const fields = describeConfig(Class);
  const config = new Class() as T & Record<string, unknown>;
  const problems = new Map<string, string[]>();
  for (const field of fields) {
    const text = env[field.name]?.trim();
    if (text === undefined || text === '') {
      if (field.required) problems.set(field.name, [`is required (${wantedForm(field)})`]);
      continue;
    }
    const value = convert(field, text);
    if (value === undefined) problems.set(field.name, [`must be ${wantedForm(field)}`]);
    else (config as Record<string, unknown>)[field.name] = value;
  }
  for (const { property, constraints } of validateSync(config, { forbidUnknownValues: false })) {
    if (!problems.has(property)) problems.set(property, Object.values(constraints ?? {}).map(withoutName(property)));
  }
  if (problems.size > 0) throw new ConfigError([...problems].map(([name, wanted]) => ({ name, wanted })));
  return Object.freeze(hideSecrets(config, fields));
}

function convert(field: ConfigField, text: string): unknown {
  switch (field.type) {
    case 'string':
      return text;
    case 'number':
      return NUMBER.test(text) && Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER ? Number(text) : undefined;
    case 'boolean':
      return Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined;
    case 'list':
      return text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
  }
}

function wantedForm(field: ConfigField): string {
  switch (field.type) {
    case 'string':
      return 'a text';
    case 'number':
      return 'a number, such as 5000 or 0.5';
    case 'boolean':
      return 'true or false (1 or 0)';
    case 'list':
      return 'a list separated by commas';
  }
}

/** class-validator begins each sentence with the field's name; the list has it already. */
function withoutName(property: string): (message: string) => string {
  return (message) => (message.startsWith(`${property} `) ? message.slice(property.length + 1) : message);
}

function hideSecrets<T extends object>(config: T, fields: readonly ConfigField[]): T {
  const secrets = new Set(fields.filter(({ secret }) => secret).map(({ name }) => name));
  const printable = (): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(config).map(([name, value]) => [
        name,
        secrets.has(name) && value !== undefined ? REDACTED : value,
      ]),
    );
  Object.defineProperty(config, 'toJSON', { value: printable });
  Object.defineProperty(config, inspect.custom, { value: printable });
  return config;
}
