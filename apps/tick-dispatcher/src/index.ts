export { startTickDispatcher } from './start-tick-dispatcher.js';
export { TickDispatcherConfig } from './tick-dispatcher.config.js';
