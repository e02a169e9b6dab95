export { connectRedis } from './connect-redis.js';
export { GatheredScript } from './gathered-script.js';
