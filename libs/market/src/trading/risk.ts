import type { Agent } from '../agents/agent.js';
import type { Exchange } from './exchange.js';
import { assess } from './margin.js';

/**
 * After prices have moved: an account worth less than nothing is bankrupt; one whose equity is below the maintenance
 * margin gets a margin call, and has until the next open tick to meet it. Leaves every agent's standing up to date.
 */
export function checkMargins(exchange: Exchange): void {
  const { settings } = exchange.state;
  for (const agent of exchange.state.agents.values()) {
    const { equityCents, positionMarginCents } = (agent.standing = assess(agent, agent.leverage, exchange.marks));
    if (agent.status !== 'active') continue;
    if (equityCents < 0) {
      declareBankrupt(exchange, agent);
      continue;
    }
    const called = equityCents < settings.maintenanceMargin * positionMarginCents;
    if (called === agent.marginCalled) continue;
    agent.marginCalled = called;
    agent.digest = undefined;
    if (!called) continue;
    const text = 'Equity is below the maintenance margin: positions are closed by force at the next open tick';
    exchange.alert(agent, 'margin_call', 'critical', text);
  }
}

/**
 * At the beginning of an open tick: an agent who has not met a margin call loses its open orders, then its positions,
 * the largest loss first, until the initial margin is covered or the books are empty.
 */
export function liquidateCalled(exchange: Exchange): void {
  for (const agent of exchange.state.agents.values()) {
    if (!agent.marginCalled || agent.status !== 'active') continue;
    exchange.cancelAll(agent);
    const losses = [...agent.positions].map(([company, { shares, costCents }]) => ({
      company,
      profitCents: shares * (exchange.marks[company] ?? 0) - costCents,
    }));
    losses.sort((a, b) => a.profitCents - b.profitCents || a.company - b.company);
    for (const { company } of losses) {
      const { equityCents, positionMarginCents } = assess(agent, agent.leverage, exchange.marks);
      if (positionMarginCents <= equityCents) break;
      exchange.closePosition(agent, company);
    }
    const text = 'The margin call was not met: open orders are cancelled and positions closed';
    exchange.alert(agent, 'margin_call', 'critical', text);
  }
}

function declareBankrupt(exchange: Exchange, agent: Agent): void {
  exchange.cancelAll(agent);
  exchange.ledger.seize(agent);
  agent.status = 'bankrupt';
  agent.marginCalled = false;
  agent.digest = undefined;
  agent.standing = assess(agent, agent.leverage, exchange.marks);
  exchange.alert(
    agent,
    'bankruptcy',
    'critical',
    'Equity fell below zero: the account is closed, its positions are seized',
  );
}
