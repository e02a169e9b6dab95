import { Controller, Get, Headers, Inject, Param, Query, Res } from '@nestjs/common';
import { SIGNAL_ID, UUID, signalEventId } from '@tickwire/contracts';
import { verifyStatusToken } from '@tickwire/credentials';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { IsOptional, IsString, Length, Matches } from 'class-validator';
import type { FastifyReply } from 'fastify';
import { Accounts } from '../accounts/accounts.js';
import type { ApiConfig } from '../api.config.js';
import { Allow, Caller, TenantId } from '../authentication/allow.js';
import type { Principal } from '../authentication/principal.js';
import { CONFIG, HOST } from '../tokens.js';
import { Signals, type FoundSignal } from './signals.js';
import type { SignalStatus } from './signal-status.js';

/** An id that nobody knows may be of a signal whose first event is on its way here. */
const UNKNOWN_WAIT_MS = 2_000;
const MOST_WAIT_S = 10;

class SignalQuery {
  @Matches(SIGNAL_ID) signalId!: string;
  /** Ours, or the tenant's own account number. */
  @IsString() @Length(1, 128) accountId!: string;
}

/** Beside the token `t`, which the guard has read. */
class StatusUrlQuery {
  /** Whose signal it is, for when nothing of it is known here yet. */
  @IsOptional() @IsString() @Length(1, 64) tenantId?: string;
}

/** The status of one signal, for its sender: by an API key, or by the token of its status URL alone. */
@Controller('signals')
export class SignalsController {
  private readonly tokenKey: Buffer;

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(CONFIG) config: ApiConfig,
    @Inject(Signals) private readonly signals: Signals,
    @Inject(Accounts) private readonly accounts: Accounts,
  ) {
    this.tokenKey = Buffer.from(config.STATUS_TOKEN_KEY, 'utf8');
  }

  @Get()
  @Allow('read', 'signals:write')
  async findBySignalId(
    @TenantId() tenantId: string,
    @Query() { signalId, accountId }: SignalQuery,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignalStatus> {
    const id = await this.accounts.resolve(tenantId, accountId);
    if (id === undefined) throw unknownSignal();
    return this.ofTenant(tenantId, signalEventId(tenantId, id, signalId), preferredWait(prefer, reply));
  }

  @Get(':webhookId')
  @Allow('read', 'signals:write', 'status-token')
  async find(
    @Caller() caller: Principal,
    @Param('webhookId') webhookId: string,
    @Query() query: StatusUrlQuery,
    @Headers('prefer') prefer: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SignalStatus> {
    if (!UUID.test(webhookId)) throw unknownSignal();
    const waitMs = preferredWait(prefer, reply);
    if (caller.kind === 'status-token') return this.ofToken(webhookId, caller.token, query.tenantId, waitMs);
    if (caller.kind !== 'tenant') throw unknownSignal();
    return this.ofTenant(caller.tenantId, webhookId, waitMs);
  }

  private async ofTenant(tenantId: string, webhookId: string, waitMs: number): Promise<SignalStatus> {
    const startedAt = performance.now();
    // Another tenant's signal takes as long as an unknown one: not even its existence is told.
    const own = (found: FoundSignal | undefined): boolean => found?.tenantId === tenantId;
    const known = await this.signals.wait(webhookId, Math.max(waitMs, UNKNOWN_WAIT_MS), own);
    if (known === undefined || !own(known)) throw unknownSignal();
    const leftMs = waitMs - (performance.now() - startedAt);
    if (known.status.final || leftMs <= 0) return known.status;
    const found = await this.signals.wait(webhookId, leftMs, (each) => each?.status.final === true);
    return (found ?? known).status;
  }

  private async ofToken(
    webhookId: string,
    token: string,
    named: string | undefined,
    waitMs: number,
  ): Promise<SignalStatus> {
    const tenantId = named ?? (await this.signals.find(webhookId))?.tenantId;
    const verdict =
      tenantId === undefined
        ? undefined
        : verifyStatusToken(token, { tenantId, webhookId }, [this.tokenKey], this.host.now());
    // Without a tenant nothing can be verified: a wrong token and an unknown signal look alike.
    if (!verdict?.ok) {
      const expired = verdict?.reason === 'EXPIRED';
      throw new ProblemError(
        'UNAUTHENTICATED',
        expired ? 'The status URL has expired.' : 'The status URL is not valid.',
      );
    }
    const found = await this.signals.wait(webhookId, waitMs, (each) => each?.status.final === true);
    if (found !== undefined && found.tenantId === tenantId) return found.status;
    // The token proves that the signal was taken in, although no event of it has arrived here.
    const receivedAt = new Date(verdict.receivedAtMs).toISOString();
    return { webhookId, status: 'received', final: false, receivedAt, timeline: [], fills: [] };
  }
}

/** RFC 7240: `Prefer: wait=5`, seconds. @returns ms, 0 when no wait is asked for */
function preferredWait(prefer: string | undefined, reply: FastifyReply): number {
  const asked = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?(?=$|[,;\s])/i.exec(prefer ?? '')?.[1];
  if (asked === undefined) return 0;
  const seconds = Math.min(Number(asked), MOST_WAIT_S);
  void reply.header('preference-applied', `wait=${seconds}`);
  return seconds * 1_000;
}

function unknownSignal(): ProblemError {
  return new ProblemError('NOT_FOUND', 'There is no such signal.');
}
