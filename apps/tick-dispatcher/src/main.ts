import { runApp } from '@tickwire/runtime';
import { startTickDispatcher } from './start-tick-dispatcher.js';
import { TickDispatcherConfig } from './tick-dispatcher.config.js';

await runApp('tick-dispatcher', TickDispatcherConfig, startTickDispatcher);
