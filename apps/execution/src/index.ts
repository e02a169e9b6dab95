export { ExecutionConfig } from './execution.config.js';
export { startExecution } from './start-execution.js';
