export { ROLES, shardOf } from './agents/agent.js';
export type { AgentStatus, Role } from './agents/agent.js';
export { ACTIONS_A_TICK, ACTIONS_AN_ANSWER } from './agents/drain-answers.js';
export type { AgentAnswer } from './agents/drain-answers.js';
export { parseAction } from './agents/parse-action.js';
export type { OrderAction, OrderRequest, ParsedAction, ParseFailure } from './agents/parse-action.js';
export type { Company, Sector } from './prices/company.js';
export type { Regime } from './prices/economy.js';
export { ENGINE_VERSION } from './settings.js';
export type { WorldSettings } from './settings.js';
export { HOUSE } from './trading/account.js';
export { MAX_OPEN_ORDERS } from './trading/exchange.js';
export type { OrderStatus, OrderType } from './trading/order.js';
export type {
  ActionResult,
  AgentTick,
  Alert,
  AlertType,
  MarketIndex,
  Message,
  OrderView,
  Portfolio,
  PositionView,
  Quote,
  TickResult,
  Trade,
} from './world/tick-result.js';
export { createWorld, restoreWorld } from './world/world.js';
export type { BookDepth, TickInput, World, WorldControl, WorldInfo, WorldTotals } from './world/world.js';
