export { NotifierConfig } from './notifier.config.js';
export { startNotifier } from './start-notifier.js';
