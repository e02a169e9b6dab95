export { DomainError } from './domain-error.js';
export { TransientError } from './transient-error.js';
