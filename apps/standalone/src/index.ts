export { Deployment, DEPLOYED, HELPER_THREADS, type Deployed } from './system/kafka-deployment.js';
export { startKafkaAndRedis } from './system/kafka-and-redis.js';
export { environmentOf } from './system/environment.js';
export { localSecrets } from './local/local-secrets.js';
export type { DevFile } from './local/dev-file.js';
export { seedDemo, type DemoPlan } from './demo/seed-demo.js';
