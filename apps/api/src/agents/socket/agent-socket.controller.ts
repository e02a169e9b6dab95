import { Controller, Get, HttpException, Inject, Param, Req, Res } from '@nestjs/common';
import { ProblemError } from '@tickwire/problem-details';
import type { AppHost } from '@tickwire/runtime';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Allow, Caller } from '../../authentication/allow.js';
import type { Principal } from '../../authentication/principal.js';
import { HOST } from '../../tokens.js';
import { AgentCommands } from '../agent-commands.js';
import { Agents } from '../agents.js';
import { commanderOf, type Commander } from '../commander.js';
import { AgentSockets } from './agent-sockets.js';
import { Pace } from './pace.js';
import { requireHandshake, upgradeOf } from './upgrades.js';

/** A connect loop is one reconnect in so many ms to the breaker, the audit and the log. */
const RECONNECT_MS = 10_000;

/**
 * The agent's own live view, by WebSocket. Credentials are sent with each handshake and never by the browser on its own
 * (there are no cookies), so a foreign page gains nothing and `Origin` is not looked at.
 */
@Controller('agents')
export class AgentSocketController {
  private readonly reconnects = new Pace(RECONNECT_MS);

  constructor(
    @Inject(HOST) private readonly host: AppHost,
    @Inject(Agents) private readonly agents: Agents,
    @Inject(AgentCommands) private readonly commands: AgentCommands,
    @Inject(AgentSockets) private readonly sockets: AgentSockets,
  ) {}

  /** Connecting resets the breaker of the agent's callbacks; who is connected may rely on that it has been told. */
  @Get(':id/socket')
  @Allow('agent')
  async connect(
    @Caller() caller: Principal,
    @Param('id') id: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const commander = commanderOf(caller, id);
    const upgrade = upgradeOf(request.raw);
    if (upgrade === undefined) {
      void reply.headers({ upgrade: 'websocket', connection: 'upgrade' });
      throw new HttpException('Connect by WebSocket: this needs Connection: Upgrade and Upgrade: websocket.', 426);
    }
    requireHandshake(request.raw);
    const { agentId, worldId, shard, status, callbackUrl } = await this.agents.find(commander.tenantId, id);
    if (status !== 'active') throw new ProblemError('CONFLICT', `This agent is ${status}.`);
    const place = this.sockets.take(agentId);
    try {
      // Without a callback there is no breaker.
      if (callbackUrl !== null) await this.resetBreaker(commander, agentId);
    } catch (error) {
      place.free();
      throw error;
    }
    reply.hijack();
    this.sockets.accept(place, { agentId, worldId, shard, keyId: commander.keyId }, upgrade);
  }

  private async resetBreaker(commander: Commander, agentId: string): Promise<void> {
    if (!this.reconnects.allows(agentId, this.host.now())) return;
    try {
      await this.commands.send(commander, agentId, 'reset-breaker', 'reconnected');
    } catch (error) {
      this.reconnects.forget(agentId);
      throw error;
    }
  }
}
