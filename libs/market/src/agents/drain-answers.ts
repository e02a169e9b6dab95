import type { Exchange } from '../trading/exchange.js';
import type { ActionResult } from '../world/tick-result.js';
import { todayOf, type Agent } from './agent.js';
import { parseAction, type OrderRequest, type ParsedAction } from './parse-action.js';

/** One answer of an agent, as it stands on the log. */
export interface AgentAnswer {
  agentId: string;
  /** The tick that a callback answers. Without meaning for `api`. */
  tick: number;
  channel: 'callback' | 'api';
  /** Whatever the agent sent; nothing is assumed about the elements. */
  actions: readonly unknown[];
  /** Recognises an answer through the API that is delivered twice. */
  clientId?: string;
}

/** Actions of an agent that count in one tick, over all its answers. */
export const ACTIONS_A_TICK = 10;
/** Where an answer is cut. */
export const ACTIONS_AN_ANSWER = 100;
const MESSAGES_A_TICK = 100;

type Outcome = Pick<ActionResult, 'success' | 'message' | 'data'>;

/**
 * Applies answers in the order given. Each action sees what the ones before it have left, and gets exactly one result
 * in its agent's tick. An answer of an agent that is not registered, to a tick that has not been, or seen before
 * leaves no trace.
 */
export function drainAnswers(exchange: Exchange, answers: readonly AgentAnswer[]): void {
  for (const answer of answers) {
    const agent = exchange.state.agents.get(answer.agentId);
    if (agent === undefined || !isNew(agent, answer, exchange.state.tick)) continue;
    const actions = Array.isArray(answer.actions) ? answer.actions : [];
    const today = todayOf(agent, exchange.state.tick);
    const counted = Math.min(actions.length, ACTIONS_AN_ANSWER);
    for (let index = 0; index < counted; index += 1) {
      today.actions += 1;
      const cut = index === counted - 1 && actions.length > counted ? actions.length : undefined;
      perform(exchange, agent, actions[index], today.actions <= ACTIONS_A_TICK, cut);
    }
  }
}

function isNew(agent: Agent, answer: AgentAnswer, tick: number): boolean {
  if (answer.channel === 'api') {
    if (typeof answer.clientId !== 'string') return true;
    agent.digest = undefined;
    return agent.answers.firstWithClientId(answer.clientId);
  }
  if (!Number.isInteger(answer.tick) || answer.tick < 1 || answer.tick >= tick) return false;
  agent.digest = undefined;
  return agent.answers.firstToTick(answer.tick);
}

/** @param cutFrom the answer's length, where it was cut after this action */
function perform(exchange: Exchange, agent: Agent, raw: unknown, within: boolean, cutFrom: number | undefined): void {
  const parsed = parseAction(raw);
  let outcome: Outcome;
  if (!within) outcome = { success: false, message: 'LIMIT_EXCEEDED' };
  else if (parsed.kind === 'failure') outcome = failure(parsed.code, parsed.detail);
  else outcome = act(exchange, agent, parsed);
  if (cutFrom !== undefined) {
    const detail = `the answer held ${cutFrom} actions and was cut at ${ACTIONS_AN_ANSWER}`;
    outcome = { ...outcome, data: { ...outcome.data, detail } };
  }
  todayOf(agent, exchange.state.tick).results.push({ id: exchange.nextId('res'), action: parsed.action, ...outcome });
}

function act(exchange: Exchange, agent: Agent, action: ParsedAction): Outcome {
  if (agent.status !== 'active' && action.kind !== 'message') {
    return failure('AGENT_INACTIVE', `a ${agent.status} agent may only send messages`);
  }
  switch (action.kind) {
    case 'order':
      return placeOrder(exchange, agent, action);
    case 'cancel': {
      const order = exchange.cancel(agent, action.orderId);
      if (order === undefined) return failure('UNKNOWN_ORDER', 'no own open order of this id');
      return { success: true, message: 'Order cancelled', data: { orderId: order.id } };
    }
    case 'message':
      return sendMessage(exchange, agent, action.targetAgentId, action.content);
    case 'unsupported':
      return { success: false, message: 'UNSUPPORTED' };
  }
}

function placeOrder(exchange: Exchange, agent: Agent, request: OrderRequest): Outcome {
  const placed = exchange.place(agent, request);
  if (placed.refusal !== undefined) return failure(placed.refusal, placed.detail);
  const { id: orderId, side, quantity, type, status } = placed.order;
  return { success: true, message: ACCEPTED[status], data: { orderId, symbol: request.symbol, side, quantity, type } };
}

const ACCEPTED = {
  pending: 'Order accepted, waiting for the market to open',
  open: 'Order accepted',
  partial: 'Order accepted and filled in part',
  filled: 'Order filled',
  cancelled: 'Order filled in part, the rest is cancelled',
  rejected: 'Order rejected',
} as const;

/** Delivers into the recipient's share of the tick being closed, which is the next that it receives. */
function sendMessage(exchange: Exchange, from: Agent, toAgentId: string, content: string): Outcome {
  if (toAgentId === from.id) return failure('SELF_MESSAGE', 'a message needs another recipient');
  const to = exchange.state.agents.get(toAgentId);
  if (to === undefined) return failure('UNKNOWN_AGENT', 'no such agent in this world');
  const { tick, closedAtMs } = exchange.state;
  const { messages } = todayOf(to, tick);
  if (messages.length >= MESSAGES_A_TICK) {
    return failure('RECIPIENT_BUSY', `an agent receives at most ${MESSAGES_A_TICK} messages a tick`);
  }
  const id = exchange.nextId('msg');
  messages.push({ id, fromAgentId: from.id, toAgentId, content, tick, createdAtMs: closedAtMs });
  return { success: true, message: 'Message sent', data: { messageId: id } };
}

function failure(message: string, detail: string): Outcome {
  return { success: false, message, data: { detail } };
}
