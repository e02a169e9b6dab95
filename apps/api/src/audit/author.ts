/** Who: operators, a tenant by the id of its key, or `policy`: what a tenant has ordered in advance. */
export type Actor = 'admin' | 'policy' | `key_${string}`;

/** Who changes something, and in whose configuration. */
export interface Author {
  tenantId: string;
  actor: Actor;
}

/** Stands for the tenant in changes of what belongs to none, such as worlds. No tenant's id looks like it. */
export const PLATFORM = 'platform';

/** Operators, changing what belongs to no tenant. */
export const OPERATORS: Author = { tenantId: PLATFORM, actor: 'admin' };
