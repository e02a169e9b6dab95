export { IngressConfig } from './ingress.config.js';
export { startIngress } from './start-ingress.js';
