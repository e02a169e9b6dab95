import { Inject, Injectable } from '@nestjs/common';
import { agentControl, createEvent, encodeEvent, type AgentControl } from '@tickwire/contracts';
import type { NewRecord, Queryable } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { v7 } from 'uuid';
import { Audit } from '../audit/audit.js';
import type { Actor, Author } from '../audit/author.js';
import type { Principal } from '../authentication/principal.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';

/** The dispatcher that sends the agent's ticks has been told; what it makes of it is not waited for. */
export interface CommandAccepted {
  agentId: string;
  controlId: string;
}

/** Whoever may tell an agent's callbacks something: its tenant, and the agent with its own key. */
export type Commander = Extract<Principal, { kind: 'tenant' | 'agent' }>;

interface CommandedAgent {
  worldId: string;
  shard: number;
  status: string;
  callbackUrl: string | null;
}

const AUDITED_AS: Record<AgentControl['command'], string> = {
  'reset-breaker': 'agent.breaker_reset',
  'test-tick': 'agent.tested',
};

/** Commands to agents' callbacks, by way of `agent.control`. */
@Injectable()
export class AgentCommands {
  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(ConfigurationWriter) private readonly writer: ConfigurationWriter,
    @Inject(Audit) private readonly audit: Audit,
  ) {}

  /**
   * @param commander for an agent's key, of this very agent
   * @throws ProblemError NOT_FOUND; CONFLICT for a test where nothing would be sent
   */
  send(commander: Commander, agentId: string, command: AgentControl['command']): Promise<CommandAccepted> {
    const { tenantId } = commander;
    const controlId = v7();
    return this.writer.change(async (db, publish) => {
      const { rows } = await db.query<CommandedAgent>(
        `SELECT "world_id" AS "worldId", "shard", "status", "callback_url" AS "callbackUrl"
           FROM "agent" WHERE "id" = $1 AND "tenant_id" = $2`,
        [agentId, tenantId],
      );
      const [agent] = rows;
      if (agent === undefined) throw new ProblemError('NOT_FOUND', 'There is no such agent.');
      if (command === 'test-tick') requireReachable(agent);
      const by: Author = { tenantId, actor: await actorOf(db, commander) };
      await this.audit.record(db, by, AUDITED_AS[command], agentId, { controlId });
      const { worldId, shard } = agent;
      const nowMs = this.host.now();
      const requestedAt = new Date(nowMs).toISOString();
      const control = { worldId, shard, agentId, controlId, command, requestedAt, reason: 'requested' };
      publish(agentControlRecord(control, tenantId, nowMs));
      return { agentId, controlId };
    });
  }
}

function requireReachable({ status, callbackUrl }: CommandedAgent): void {
  if (!callbackUrl) throw new ProblemError('CONFLICT', 'This agent has no callback URL.');
  if (status !== 'active' && status !== 'paused') throw new ProblemError('CONFLICT', `This agent is ${status}.`);
}

/** Registration makes an agent one key and nothing makes it another, so its live key is the one that was used. */
async function actorOf(db: Queryable, commander: Commander): Promise<Actor> {
  if (commander.kind === 'tenant') return commander.keyId;
  const { rows } = await db.query<{ id: Extract<Actor, `key_${string}`> }>(
    `SELECT "id" FROM "api_key" WHERE "agent_id" = $1 AND "revoked_at" IS NULL ORDER BY "created_at" DESC LIMIT 1`,
    [commander.agentId],
  );
  if (rows[0] === undefined) throw new ProblemError('UNAUTHENTICATED', 'This key is not good any more.');
  return rows[0].id;
}

/** Its key is that of the agent's ticks. */
function agentControlRecord(control: AgentControl, tenantId: string, nowMs: number): NewRecord {
  return encodeEvent(
    agentControl,
    createEvent(agentControl, {
      id: control.controlId,
      source: 'api',
      subject: control.agentId,
      timeMs: nowMs,
      tenantId,
      data: control,
    }),
  );
}
