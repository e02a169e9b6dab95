import { runApp } from '@tickwire/runtime';
import { startValidator } from './start-validator.js';
import { ValidatorConfig } from './validator.config.js';

await runApp('validator', ValidatorConfig, startValidator);
