import { problem } from '@tickwire/problem-details';
import type { Example } from './openapi-types.js';

/** What a route is sent, and what it answers, by name. */
export interface RouteExamples {
  requests: Record<string, Example>;
  answers: Record<string, Example>;
}

const TENANT = 'ten_01939d7a-3f66-7c52-9d0a-0c2f1a3b4c5d';
const ACCOUNT = 'acc_01939d7a-3f66-7c52-9d0a-1c2f1a3b4c5d';
const WEBHOOK = '0b7b6a52-8a0c-5f3e-9b1d-3a5c7e9f1b2d';
const STATUS_TOKEN = '1795341600000.kXc3b0y8m2QqJtG1s5nVd7Zr4Lw6Pf9UeHaBiCoKDgE';

const signal = (change: object = {}): object => ({
  tenantId: TENANT,
  accountId: ACCOUNT,
  symbol: 'NVLT',
  action: 'buy',
  quantity: 10,
  signalId: 'breakout-2026-11-22-001',
  ...change,
});

const accepted = (signalId: string): object => ({
  webhookId: WEBHOOK,
  signalId,
  status: 'received',
  statusUrl: `https://api.example.com/api/v1/signals/${WEBHOOK}?t=${STATUS_TOKEN}&tenantId=${TENANT}`,
});

/** By route. */
export const examples: { signal: RouteExamples; batch: RouteExamples; alert: RouteExamples } = {
  signal: {
    requests: {
      market: { summary: 'Buy ten at the market', value: signal() },
      exact: {
        summary: 'A quantity of many digits, as a string',
        value: signal({ quantity: '0.123456789012', action: 'sell' }),
      },
    },
    answers: { accepted: { value: accepted('breakout-2026-11-22-001') } },
  },
  batch: {
    requests: {
      two: { summary: 'Two signals', value: { signals: [signal(), signal({ signalId: 's-2', accountId: 'MT-404' })] } },
    },
    answers: {
      mixed: {
        summary: 'One taken in, one refused',
        value: {
          results: [
            accepted('breakout-2026-11-22-001'),
            {
              status: 'refused',
              problem: problem({
                code: 'UNKNOWN_ACCOUNT',
                detail: 'The tenant has no account of this id or number.',
                requestId: '5f2f7a52-6f0e-4a54-8d7c-0f2b6a1c9e11',
              }),
            },
          ],
        },
      },
    },
  },
  alert: {
    requests: {
      tradingView: {
        summary: 'TradingView',
        value: {
          symbol: 'NASDAQ:NVLT',
          action: 'buy',
          quantity: '10',
          time: '2026-11-22T09:55:00Z',
          timenow: '2026-11-22T10:00:01Z',
        },
      },
      tradersPost: { summary: 'TradersPost', value: { ticker: 'NVLT', action: 'sell', quantity: 5 } },
    },
    answers: { accepted: { value: accepted('n_kXc3b0y8m2QqJtG1s5nVd7Zr4Lw6Pf9UeHaBiCoKDgE') } },
  },
};
