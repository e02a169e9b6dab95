import type { AddressGuard } from '@tickwire/delivery';
import { fieldRefused } from '../validation/body.pipe.js';

/**
 * Refuses a URL that callbacks could never reach. Passing promises nothing about where its name leads: the sender
 * checks that at each connection.
 * @throws ProblemError SCHEMA with the guard's reason as code
 */
export function requirePublicUrl(guard: AddressGuard, field: string, url: string): void {
  const verdict = guard.checkUrl(url);
  if (!verdict.ok) throw fieldRefused(field, `URL_${verdict.reason.toUpperCase()}`, verdict.detail);
}
