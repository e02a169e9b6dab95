import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';

export interface LocalOptions {
  port: number;
  demo: boolean;
  tickMs: number;
  dataDir: string;
  logLevel: string;
}

/** Where npm was started, so that a relative --data-dir means what the reader sees. */
const WORKING_DIR = process.env['INIT_CWD'] ?? process.cwd();

export function readOptions(
  name: string,
  description: string,
  defaultDataDir: string,
  argv: readonly string[],
): LocalOptions {
  const command = new Command(name)
    .description(description)
    .option(
      '--port <number>',
      'first of four ports: signals, api, management, demo receivers',
      wholeNumber(1, 65_532),
      3_000,
    )
    .option('--no-demo', 'start empty: no tenant, no world, no sample agents')
    .option('--tick-ms <ms>', "wall time between the demo world's ticks", wholeNumber(10, 3_600_000), 1_000)
    .option('--data-dir <folder>', 'where data is kept', defaultDataDir)
    .option('--log-level <level>', 'fatal, error, warn, info, debug', process.env['LOG_LEVEL'] ?? 'warn')
    .addHelpText(
      'after',
      '\nIt writes dev.json (addresses, ids, keys) into the data folder. Data survives a restart; delete the folder to begin anew.',
    );
  const options = command.parse([...argv]).opts<LocalOptions>();
  return { ...options, dataDir: path.resolve(WORKING_DIR, options.dataDir) };
}

function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < min || value > max)
      throw new InvalidArgumentError(`a whole number from ${min} to ${max} is wanted`);
    return value;
  };
}
