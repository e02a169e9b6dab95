/** Injection token of the {@link import('@tickwire/runtime').AppHost}. */
export const HOST = Symbol('host');
