export { generateApiKey, hashApiKey, parseApiKey } from './api-key.js';
export type { ApiKey, ApiKeyKind } from './api-key.js';
export { parseSealingKeys, SecretBox, SecretUnreadable } from './secret-box.js';
export type { SealingKey } from './secret-box.js';
export { signStatusToken, STATUS_TOKEN_LIFETIME_MS, verifyStatusToken } from './status-token.js';
export type { StatusTokenSubject, StatusTokenVerdict } from './status-token.js';
