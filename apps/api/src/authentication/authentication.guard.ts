import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ProblemError } from '@tickwire/problem-details';
import { ALLOW, type Access } from './allow.js';
import type { Authenticator } from './authenticator.js';
import type { Principal, PrincipalRequest } from './principal.js';

/** Lets a request in when its one credential is known and has what the route's `@Allow` asks for. */
export class AuthenticationGuard implements CanActivate {
  private readonly reflector = new Reflector();

  constructor(private readonly authenticator: Authenticator) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const access = this.reflector.getAllAndOverride<Access[] | undefined>(ALLOW, [
      context.getHandler(),
      context.getClass(),
    ]);
    const request = context.switchToHttp().getRequest<PrincipalRequest>();
    const principal = await this.principalOf(request, access ?? []);
    if (!access?.some((one) => holds(principal, one))) {
      throw new ProblemError('FORBIDDEN', `This needs a credential for: ${(access ?? []).join(' or ') || 'nobody'}.`);
    }
    request.principal = principal;
    return true;
  }

  private async principalOf(request: PrincipalRequest, access: readonly Access[]): Promise<Principal> {
    const credentials = credentialsOf(request.raw.rawHeaders);
    const { t } = request.query as { t?: unknown };
    const token = access.includes('status-token') && t !== undefined ? String(t) : undefined;
    if (credentials.length + (token === undefined ? 0 : 1) > 1) {
      throw new ProblemError(
        'AMBIGUOUS_CREDENTIALS',
        'Send one credential: Authorization or X-API-Key or a status URL’s t.',
      );
    }
    if (token !== undefined) return { kind: 'status-token', token };
    const [credential] = credentials;
    if (credential === undefined) {
      throw new ProblemError('UNAUTHENTICATED', 'Send an API key as Authorization: Bearer or X-API-Key.');
    }
    return this.authenticator.authenticate(credential);
  }
}

/** Read from the raw headers, because Node keeps only the first of two Authorization headers. */
function credentialsOf(rawHeaders: readonly string[]): string[] {
  const found: string[] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!.toLowerCase();
    const value = rawHeaders[at + 1]!;
    if (name === 'x-api-key') found.push(value.trim());
    if (name === 'authorization') found.push(/^Bearer\s+(\S+)\s*$/i.exec(value)?.[1] ?? '');
  }
  return found;
}

function holds(principal: Principal, access: Access): boolean {
  return principal.kind === 'tenant' ? principal.scopes.includes(access) : principal.kind === access;
}
