import type { ConfigField } from '@tickwire/config';

/** What a deployment file says of one process of an app. */
export interface DeployedProcess {
  /** The service's or the Deployment's name: an app may run as several. */
  name: string;
  /** The folder of `apps/`. */
  app: string;
  /** Variables that it is given, and their values; undefined where a value comes from outside the file. */
  set: ReadonlyMap<string, string | undefined>;
  /** Variables that it is known to be left without. */
  leftAtDefault: readonly string[];
}

/** Read by Node itself and not by a config class. */
const NODE_VARIABLES = new Set(['NODE_ENV', 'NODE_OPTIONS', 'UV_THREADPOOL_SIZE', 'TZ']);

/**
 * Holds a process's settings against its app's config class.
 * @returns a sentence per disagreement; empty when the two agree
 */
export function settingsProblems(process: DeployedProcess, fields: readonly ConfigField[]): string[] {
  const { name, set, leftAtDefault } = process;
  const known = new Map(fields.map((field) => [field.name, field]));
  const listed = new Set(leftAtDefault);
  const problems: string[] = [];
  for (const field of fields) {
    const isSet = set.has(field.name);
    if (!isSet && !listed.has(field.name))
      problems.push(`${name}: ${field.name} is neither set nor listed as left at its default`);
    if (isSet && listed.has(field.name))
      problems.push(`${name}: ${field.name} is set and listed as left at its default`);
    if (!isSet && listed.has(field.name) && field.required) problems.push(`${name}: ${field.name} has no default`);
    if (field.secret && set.get(field.name) !== undefined)
      problems.push(`${name}: ${field.name} is a secret, and its value is in the file`);
  }
  for (const variable of set.keys()) {
    if (!known.has(variable) && !NODE_VARIABLES.has(variable))
      problems.push(`${name}: ${variable} is not a variable of the app`);
  }
  for (const variable of listed) {
    if (!known.has(variable))
      problems.push(`${name}: ${variable} is listed as left at its default, but the app does not have it`);
  }
  return problems;
}

/** The app that a command runs. @param command of a container; undefined where it runs something else */
export function appOfCommand(command: readonly string[] | undefined): string | undefined {
  return /^node apps\/([a-z-]+)\/dist\/main\.js$/.exec(command?.join(' ') ?? '')?.[1];
}
