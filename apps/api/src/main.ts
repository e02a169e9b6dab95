import { runApp } from '@tickwire/runtime';
import { ApiConfig } from './api.config.js';
import { startApi } from './start-api.js';

await runApp('api', ApiConfig, startApi);
