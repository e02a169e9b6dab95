import type { Directory } from '@tickwire/directory';
import { ProblemError } from '@tickwire/problem-details';

const OWN_ACCOUNT = /^acc_/;

/**
 * @param named ours, or the tenant's own number
 * @returns ours
 * @throws ProblemError UNKNOWN_ACCOUNT, also for another tenant's. @throws TransientError while the directory cannot be read
 */
export async function accountNamed(
  directory: Pick<Directory, 'account' | 'accountByExternalId'>,
  tenantId: string,
  named: string,
): Promise<string> {
  const own = OWN_ACCOUNT.test(named) ? await directory.account(named) : undefined;
  if (own?.tenantId === tenantId) return own.id;
  const external = await directory.accountByExternalId(tenantId, named);
  if (external !== undefined) return external.id;
  throw new ProblemError('UNKNOWN_ACCOUNT', 'The tenant has no account of this id or number.');
}
