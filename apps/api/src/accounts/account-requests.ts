import { ACCOUNT_STATUSES, UNSIGNED_DECIMAL } from '@tickwire/contracts';
import { IsIn, IsOptional, IsString, Length, Matches } from 'class-validator';
import { ListQuery } from '../listing/list-query.js';

/** `POST /api/v1/accounts`. */
export class NewAccount {
  /** The tenant's own account number; senders may use it in signals. */
  @IsOptional() @IsString() @Length(1, 128) externalId?: string;
  @IsOptional() @IsString() @Length(0, 128) name?: string;
  /** Decimal string with at most two digits behind the point. */
  @IsString() @Matches(UNSIGNED_DECIMAL) initialBalance!: string;
  @IsIn(['USD']) currency!: 'USD';
  /** Id of the world whose quotes the account trades on. */
  @IsString() @Length(1, 64) quoteSource!: string;
}

/** `PATCH /api/v1/accounts/{id}`. */
export class AccountChange {
  /** `closed` is for ever. */
  @IsIn(ACCOUNT_STATUSES) status!: (typeof ACCOUNT_STATUSES)[number];
}

export class AccountsQuery extends ListQuery {
  @IsOptional() @IsString() @Length(1, 128) externalId?: string;
}
