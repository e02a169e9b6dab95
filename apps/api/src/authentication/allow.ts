import { createParamDecorator, SetMetadata } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { ProblemError } from '@tickwire/problem-details';
import type { Author } from '../audit/author.js';
import type { Principal, PrincipalRequest, Scope } from './principal.js';

/** Who may use a route: operators, a tenant's key with a scope, an agent's own key, the bearer of a status URL. */
export type Access = 'admin' | Scope | 'agent' | 'status-token';

export const ALLOW = Symbol('allow');

/** Any one of these is enough. A route without it is closed to everybody. */
export const Allow = (...access: Access[]): ClassDecorator & MethodDecorator => SetMetadata(ALLOW, access);

export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): Principal => callerOf(context));

/** The tenant of the credential. */
export const TenantId = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const caller = callerOf(context);
  if (caller.kind === 'tenant' || caller.kind === 'agent') return caller.tenantId;
  throw new ProblemError('FORBIDDEN', 'This credential belongs to no tenant.');
});

/** The tenant whose key changes its configuration. */
export const By = createParamDecorator((_: unknown, context: ExecutionContext): Author => {
  const caller = callerOf(context);
  if (caller.kind === 'tenant') return { tenantId: caller.tenantId, actor: caller.keyId };
  throw new ProblemError('FORBIDDEN', 'Only a key of a tenant changes its configuration.');
});

function callerOf(context: ExecutionContext): Principal {
  const { principal } = context.switchToHttp().getRequest<PrincipalRequest>();
  if (principal === undefined) throw new ProblemError('UNAUTHENTICATED', 'Send an API key.');
  return principal;
}
