/** Injection token of the {@link import('@tickwire/runtime').AppHost}. */
export const HOST = Symbol('host');
/** The fence of the accounts' group. */
export const ACCOUNTS_FENCE = Symbol('accounts fence');
/** The fence of the worlds' group. */
export const WORLDS_FENCE = Symbol('worlds fence');
/** The app's {@link import('./execution.config.js').ExecutionConfig}. */
export const CONFIG = Symbol('config');
