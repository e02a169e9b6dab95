export { Description, Secret, describeConfig } from './config-fields.js';
export type { ConfigClass, ConfigField, ConfigType } from './config-fields.js';
export { ConfigError, loadConfig } from './load-config.js';
export type { ConfigProblem } from './load-config.js';
