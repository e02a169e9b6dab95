import 'reflect-metadata';
import { getMetadataStorage } from 'class-validator';

/** A config class: no constructor arguments, a decorator of class-validator on every field that is read. */
export type ConfigClass<T extends object> = new () => T;

export type ConfigType = 'string' | 'number' | 'boolean' | 'list';

export interface ConfigField {
  /** Of the field, and of its environment variable. */
  name: string;
  /** `list`: comma-separated strings. */
  type: ConfigType;
  /** Neither a default nor `@IsOptional()`. */
  required: boolean;
  /** The value without an environment; absent for secrets. */
  default?: unknown;
  /** As given with `@Description`. */
  description?: string;
  secret: boolean;
}

const SECRETS = Symbol('config secrets');
const DESCRIPTIONS = Symbol('config descriptions');

/** Marks a field that must not be printed: `JSON.stringify`, `console.log` and log lines show `[redacted]`. */
export function Secret(): PropertyDecorator {
  return (prototype, name) => remember(prototype, SECRETS, name, true);
}

/** What the variable does, with its unit: shown in the generated table of settings. */
export function Description(text: string): PropertyDecorator {
  return (prototype, name) => remember(prototype, DESCRIPTIONS, name, text);
}

/**
 * The variables that a config class reads, in the order of their declaration: for documents, and for the test that
 * holds deployment files against the code.
 *
 * @throws TypeError for a field whose type the decorators cannot see: write it out (`PORT: number = 3000`)
 */
export function describeConfig<T extends object>(Class: ConfigClass<T>): ConfigField[] {
  const rules = getMetadataStorage().getTargetValidationMetadatas(Class, '', false, false);
  const defaults = new Class() as Record<string, unknown>;
  const secrets = remembered<boolean>(Class, SECRETS);
  const descriptions = remembered<string>(Class, DESCRIPTIONS);
  const names = [...new Set(rules.map((rule) => rule.propertyName))];
  return names.map((name) => {
    const optional = rules.some((rule) => rule.propertyName === name && rule.type === 'conditionalValidation');
    const value = defaults[name];
    const secret = secrets.get(name) === true;
    const description = descriptions.get(name);
    return {
      name,
      type: typeOf(Class, name),
      required: value === undefined && !optional,
      ...(value === undefined || secret ? {} : { default: value }),
      ...(description === undefined ? {} : { description }),
      secret,
    };
  });
}

function typeOf(Class: ConfigClass<object>, name: string): ConfigType {
  const type = Reflect.getMetadata('design:type', Class.prototype as object, name) as unknown;
  switch (type) {
    case String:
      return 'string';
    case Number:
      return 'number';
    case Boolean:
      return 'boolean';
    case Array:
      return 'list';
    default:
      throw new TypeError(`${Class.name}.${name}: write its type out as string, number, boolean or string[]`);
  }
}

/** Kept per class, so that a subclass adds to its parent's without changing it. */
function remember(prototype: object, key: symbol, name: string | symbol, value: unknown): void {
  const own = Object.hasOwn(prototype, key) ? (prototype as Record<symbol, Map<string, unknown>>)[key] : undefined;
  if (own) own.set(String(name), value);
  else Object.defineProperty(prototype, key, { value: new Map([[String(name), value]]) });
}

function remembered<V>(Class: ConfigClass<object>, key: symbol): Map<string, V> {
  const lineage: object[] = [];
  for (let at = Class.prototype as object | null; at !== null; at = Object.getPrototypeOf(at) as object | null) {
    lineage.unshift(at);
  }
  const all = new Map<string, V>();
  for (const prototype of lineage) {
    const own = Object.hasOwn(prototype, key) ? (prototype as Record<symbol, Map<string, V>>)[key] : undefined;
    own?.forEach((value, name) => all.set(name, value));
  }
  return all;
}
