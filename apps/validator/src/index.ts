export { startValidator } from './start-validator.js';
export { ValidatorConfig } from './validator.config.js';
