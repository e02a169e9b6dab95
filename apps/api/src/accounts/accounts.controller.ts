import { Body, Controller, Get, Inject, Param, Patch, Post, Query } from '@nestjs/common';
import type { Author } from '../audit/author.js';
import { Allow, By, TenantId } from '../authentication/allow.js';
import { ListQuery } from '../listing/list-query.js';
import type { Page } from '../listing/page.js';
import { AccountHistory, type AccountFill, type AccountOrder } from './account-history.js';
import { AccountChange, AccountsQuery, NewAccount } from './account-requests.js';
import { AccountStates, type AccountPosition, type AccountState } from './account-state.js';
import { Accounts, type Account } from './accounts.js';

@Controller('accounts')
export class AccountsController {
  constructor(
    @Inject(Accounts) private readonly accounts: Accounts,
    @Inject(AccountStates) private readonly states: AccountStates,
    @Inject(AccountHistory) private readonly history: AccountHistory,
  ) {}

  @Post()
  @Allow('manage')
  create(@By() by: Author, @Body() body: NewAccount): Promise<Account> {
    return this.accounts.create(by, body);
  }

  @Get()
  @Allow('read')
  list(@TenantId() tenantId: string, @Query() query: AccountsQuery): Promise<Page<Account>> {
    return this.accounts.list(tenantId, query);
  }

  /** `state` is null until execution has taken the account up. */
  @Get(':id')
  @Allow('read')
  async find(@TenantId() tenantId: string, @Param('id') id: string): Promise<Account & { state: AccountState | null }> {
    const account = await this.accounts.find(tenantId, id);
    return { ...account, state: (await this.states.state(account)) ?? null };
  }

  @Patch(':id')
  @Allow('manage')
  change(@By() by: Author, @Param('id') id: string, @Body() body: AccountChange): Promise<Account> {
    return this.accounts.changeStatus(by, id, body);
  }

  @Get(':id/fills')
  @Allow('read')
  async fills(
    @TenantId() tenantId: string,
    @Param('id') id: string,
    @Query() query: ListQuery,
  ): Promise<Page<AccountFill>> {
    const account = await this.accounts.find(tenantId, id);
    return this.history.fills(account.id, query);
  }

  @Get(':id/orders')
  @Allow('read')
  async orders(
    @TenantId() tenantId: string,
    @Param('id') id: string,
    @Query() query: ListQuery,
  ): Promise<Page<AccountOrder>> {
    const account = await this.accounts.find(tenantId, id);
    return this.history.orders(account.id, query);
  }

  /** All of them at once: an account has at most one position per instrument. */
  @Get(':id/positions')
  @Allow('read')
  async positions(@TenantId() tenantId: string, @Param('id') id: string): Promise<Page<AccountPosition>> {
    const account = await this.accounts.find(tenantId, id);
    return { data: await this.states.positions(account), nextCursor: null };
  }
}
