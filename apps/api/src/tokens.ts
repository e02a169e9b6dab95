/** Injection token of the {@link import('@tickwire/runtime').AppHost}. */
export const HOST = Symbol('host');
/** Injection token of the {@link import('./api.config.js').ApiConfig}. */
export const CONFIG = Symbol('config');
