export { runCli } from './run-cli.js';
export { EXIT_FAILED, EXIT_OK, EXIT_USAGE } from './terminal/exit-codes.js';
export type { Terminal } from './terminal/terminal.js';
