import { IsIn, IsInt, IsString, Length, Matches, Min } from 'class-validator';
import { defineEvent } from '../define-event.js';
import { DECIMAL } from '../formats.js';
import sample from './account-control.sample.json' with { type: 'json' };

export const ACCOUNT_STATUSES = ['active', 'suspended', 'closed'] as const;

/** `account.control`: api registered an account or changed its status. A version below the known one is ignored. */
export class AccountControl {
  @IsIn(['registered', 'status']) kind!: 'registered' | 'status';
  @IsString() @Length(1, 64) accountId!: string;
  @IsString() @Length(1, 64) tenantId!: string;
  @IsIn(ACCOUNT_STATUSES) status!: (typeof ACCOUNT_STATUSES)[number];
  @IsString() @Length(3, 3) currency!: string;
  @Matches(DECIMAL) initialBalance!: string;
  /** The world whose quotes the account trades on. */
  @IsString() @Length(1, 64) quoteSource!: string;
  @IsInt() @Min(1) version!: number;
}

export const accountControl = defineEvent<AccountControl>({
  type: 'account.control',
  version: 1,
  summary: 'An account was registered, or its status was changed.',
  payload: AccountControl,
  key: (data) => data.accountId,
  keyedBy: 'accountId',
  producers: ['api'],
  consumers: ['execution'],
  sample: sample as AccountControl,
});
