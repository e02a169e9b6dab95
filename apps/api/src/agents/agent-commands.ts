import { Inject, Injectable } from '@nestjs/common';
import { agentControl, createEvent, encodeEvent, type AgentControl } from '@tickwire/contracts';
import type { NewRecord } from '@tickwire/event-log';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import { v7 } from 'uuid';
import { Audit } from '../audit/audit.js';
import type { Author } from '../audit/author.js';
import { ConfigurationWriter } from '../outbox/configuration-writer.js';
import { HOST } from '../tokens.js';
import type { Commander } from './commander.js';

/** The dispatcher that sends the agent's ticks has been told; what it makes of it is not waited for. */
export interface CommandAccepted {
  agentId: string;
  controlId: string;
}

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

/** Why a command is sent: somebody asked for it, or the agent has connected anew. */
export type CommandReason = 'requested' | 'reconnected';

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
  send(
    commander: Commander,
    agentId: string,
    command: AgentControl['command'],
    reason: CommandReason = 'requested',
  ): Promise<CommandAccepted> {
    const { tenantId, keyId } = commander;
    const by: Author = { tenantId, actor: keyId };
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
      await this.audit.record(db, by, AUDITED_AS[command], agentId, {
        controlId,
        ...(reason === 'requested' ? {} : { reason }),
      });
      const { worldId, shard } = agent;
      const nowMs = this.host.now();
      const requestedAt = new Date(nowMs).toISOString();
      const control = { worldId, shard, agentId, controlId, command, requestedAt, reason };
      publish(agentControlRecord(control, tenantId, nowMs));
      return { agentId, controlId };
    });
  }
}

function requireReachable({ status, callbackUrl }: CommandedAgent): void {
  if (!callbackUrl) throw new ProblemError('CONFLICT', 'This agent has no callback URL.');
  if (status !== 'active' && status !== 'paused') throw new ProblemError('CONFLICT', `This agent is ${status}.`);
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
