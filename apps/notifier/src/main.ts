import { runApp } from '@tickwire/runtime';
import { NotifierConfig } from './notifier.config.js';
import { startNotifier } from './start-notifier.js';

await runApp('notifier', NotifierConfig, startNotifier);
