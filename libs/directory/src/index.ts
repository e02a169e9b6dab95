export { Directory } from './directory.js';
export type * from './entries.js';
