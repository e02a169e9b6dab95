export { ApiConfig } from './api.config.js';
export { startApi } from './start-api.js';
