import { runApp } from '@tickwire/runtime';
import { IngressConfig } from './ingress.config.js';
import { startIngress } from './start-ingress.js';

await runApp('ingress', IngressConfig, startIngress);
