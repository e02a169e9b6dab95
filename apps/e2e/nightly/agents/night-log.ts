import { setTimeout as sleep } from 'node:timers/promises';
import { agentActions, agentDelivery, marketTick } from '@tickwire/contracts';
import type { AgentActions, AgentDelivery, MarketTick } from '@tickwire/contracts';
import { KafkaEventLog, type LogRecord } from '@tickwire/event-log';
import { pino } from 'pino';
import type { End } from './night-record.js';

const TOPICS = [marketTick.topic, agentActions.topic, agentDelivery.topic];
const READ_WITHIN_MS = 240_000;
/** As the receivers' trace. */
const TRACE = 'TRACE_';

/** What the log says of one agent. */
export interface AgentLog {
  firstTick: number;
  lastTick: number;
  ends: End[];
  answers: Map<number, number>;
  results: Map<number, string[]>;
}

/** Reads all that a world's ticks, answers and callbacks have left on the log. @throws Error when it does not come to the end in time */
export async function readNightLog(brokers: readonly string[], worldId: string): Promise<Map<string, AgentLog>> {
  const log = await KafkaEventLog.connect({ brokers, clientId: 'nightly-agents', log: pino({ level: 'silent' }) });
  try {
    const ends = new Map(
      (await log.bounds(TOPICS))
        .filter(({ start, end }) => end > start)
        .map(({ topic, partition, end }) => [`${topic}/${partition}`, end]),
    );
    const agents = new Map<string, AgentLog>();
    const subscription = await log.broadcast({
      topics: TOPICS,
      from: 'beginning',
      handle: (records) => {
        for (const record of records) {
          take(agents, worldId, record);
          const place = `${record.topic}/${record.partition}`;
          if (record.offset + 1 >= (ends.get(place) ?? Infinity)) ends.delete(place);
        }
      },
    });
    const until = performance.now() + READ_WITHIN_MS;
    while (ends.size > 0) {
      if (performance.now() > until) throw new Error(`The log was not read to its end: ${[...ends.keys()].join(', ')}`);
      await sleep(50);
    }
    await subscription.close();
    return agents;
  } finally {
    await log.close();
  }
}

/** Parsed without a look at the schema: the apps have looked. */
function take(agents: Map<string, AgentLog>, worldId: string, { topic, value }: LogRecord): void {
  const { data } = JSON.parse(value.toString('utf8')) as { data: AgentActions | AgentDelivery | MarketTick };
  if (data.worldId !== worldId) return;
  if (topic === marketTick.topic) takeTick(agents, data as MarketTick);
  else if (topic === agentDelivery.topic) takeEnd(agents, data as AgentDelivery);
  else takeAnswer(agents, data as AgentActions);
}

function takeTick(agents: Map<string, AgentLog>, { tick, agents: told }: MarketTick): void {
  for (const { agentId, actionResults } of told) {
    const agent = of(agents, agentId);
    agent.firstTick = Math.min(agent.firstTick, tick);
    agent.lastTick = Math.max(agent.lastTick, tick);
    for (const { action, id } of actionResults ?? []) {
      if (!action.startsWith(TRACE)) continue;
      const answered = Number(action.slice(TRACE.length));
      const ids = agent.results.get(answered);
      if (ids) ids.push(id);
      else agent.results.set(answered, [id]);
    }
  }
}

function takeEnd(agents: Map<string, AgentLog>, { agentId, tick, outcome, actions, settledAt }: AgentDelivery): void {
  of(agents, agentId).ends.push({ tick, outcome, actions, atMs: Date.parse(settledAt) });
}

function takeAnswer(agents: Map<string, AgentLog>, { agentId, tick }: AgentActions): void {
  const { answers } = of(agents, agentId);
  answers.set(tick, (answers.get(tick) ?? 0) + 1);
}

function of(agents: Map<string, AgentLog>, agentId: string): AgentLog {
  let agent = agents.get(agentId);
  if (!agent) {
    agent = { firstTick: Infinity, lastTick: -1, ends: [], answers: new Map(), results: new Map() };
    agents.set(agentId, agent);
  }
  return agent;
}
