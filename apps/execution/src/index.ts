export { ExecutionConfig } from './execution.config.js';
export { startExecution } from './start-execution.js';
export { verifyWorlds, type WorldProof } from './worlds/verify-worlds.js';
