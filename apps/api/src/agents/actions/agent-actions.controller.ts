import { Controller, HttpCode, Inject, Param, Post, Req } from '@nestjs/common';
import { RawBody, type RawBodyRequest } from '@tickwire/runtime';
import { Allow, Caller } from '../../authentication/allow.js';
import type { Principal } from '../../authentication/principal.js';
import { commanderOf } from '../commander.js';
import { ActionIntake, type ActionsAccepted } from './action-intake.js';
import { readActionsRequest } from './actions-request.js';

/** Trading without a callback, or between two of them: for an agent with its own key, and for its tenant. */
@Controller('agents')
export class AgentActionsController {
  constructor(@Inject(ActionIntake) private readonly intake: ActionIntake) {}

  /** The body comes as bytes: the limits on every other body's keys are below what a hundred actions need. */
  @Post(':id/actions')
  @HttpCode(202)
  @Allow('manage', 'agent')
  @RawBody()
  send(
    @Caller() caller: Principal,
    @Param('id') id: string,
    @Req() { rawBody }: RawBodyRequest,
  ): Promise<ActionsAccepted> {
    const { tenantId } = commanderOf(caller, id);
    return this.intake.take(tenantId, id, readActionsRequest(rawBody));
  }
}
