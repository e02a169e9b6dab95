export { ExecutionConfig } from './execution.config.js';
export { startExecution } from './start-execution.js';
export { tickRecords, type TickContext } from './worlds/tick-records.js';
export { verifyWorlds, type WorldProof } from './worlds/verify-worlds.js';
