import { runApp } from '@tickwire/runtime';
import { ExecutionConfig } from './execution.config.js';
import { startExecution } from './start-execution.js';

await runApp('execution', ExecutionConfig, startExecution);
