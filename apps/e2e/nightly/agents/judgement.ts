import { derivedId } from '@tickwire/contracts';
import type { AgentNight, Arrival, End, NightRecord } from './night-record.js';

/** Counts of what is allowed and worth knowing. */
export interface Tally {
  arrivals: number;
  /** Attempts of a tick that had come before from another dispatcher. */
  sentAgain: number;
  /** Callbacks that a later one overtook on its way, after their sender had given them up. */
  overtaken: number;
  ends: Record<string, number>;
  /** Ticks whose end was recorded by a dispatcher that died before it was stored, and once more by the next. */
  endedAgain: number;
  /** The same where the first dispatcher gave the partition up, alive. */
  endedAgainAlive: number;
  /** Ends that are on the log twice as they are: an append that was not acknowledged in time had arrived. */
  writtenAgain: number;
  answers: number;
  /** Answers that were given again, because a dispatcher died between the answer and its end. */
  answeredAgain: number;
  results: number;
  /** Results that the next dispatcher brought once more. */
  broughtAgain: number;
  /**
   * Results that an agent took with a callback whose end says otherwise: its dispatcher had the 2xx and lost the agent before
   * the end was on the log.
   */
  takenUnsaid: number;
  /** Results that no callback has brought yet. */
  waiting: number;
}

/** What was promised and not kept, a sentence each. */
export interface Judgement {
  /** Ticks that went back, or came under another id. */
  order: string[];
  /** Ticks that were sent although they were settled. */
  settled: string[];
  /** Answers that were lost or counted twice. */
  answers: string[];
  /** Ticks without an end, or with two. */
  ends: string[];
  tally: Tally;
}

/** An end that is on the log is in the database after this long, or a death is no excuse. */
const STORED_WITHIN_MS = 5_000;
/** From giving partitions up to being told the new ones: what the log's groups take at most. */
const REBALANCED_WITHIN_MS = 10_000;

type Say = (sentence: string) => void;

/** Holds a night to its promises. */
export function judge(night: NightRecord): Judgement {
  const judgement: Judgement = { order: [], settled: [], answers: [], ends: [], tally: emptyTally() };
  const { tally } = judgement;
  for (const [agentId, agent] of night.agents) {
    const say =
      (list: string[]): Say =>
      (sentence) =>
        list.push(`${agentId}: ${sentence}`);
    judgeOrder(night, agentId, agent, tally, say(judgement.order));
    judgeSettled(night, agent, say(judgement.settled));
    judgeEnds(night, agent, tally, say(judgement.ends));
    judgeAnswers(agent, tally, say(judgement.answers));
  }
  return judgement;
}

/**
 * Ticks never go back. The exception: a dispatcher has lost an agent before the end of a tick was stored, and the next one
 * sends that tick again, under the same id.
 */
function judgeOrder(
  { worldId, kills, handovers }: NightRecord,
  agentId: string,
  { arrivals }: AgentNight,
  tally: Tally,
  say: Say,
): void {
  const last = new Map<number, Arrival>();
  let newest: Arrival | undefined;
  const changes = [...kills.map(({ atMs }) => atMs), ...handovers];
  for (const arrival of arrivals) {
    const { tick, attempt, atMs, composedAtMs, deliveryId } = arrival;
    tally.arrivals += 1;
    const before = last.get(tick);
    const isBack = newest !== undefined && tick < newest.tick;
    if (!before && deliveryId !== derivedId(`${worldId}/${agentId}/${tick}`, 'delivery'))
      say(`tick ${tick} came as delivery ${deliveryId}`);
    if (before && before.deliveryId !== deliveryId) say(`attempts of tick ${tick} came as two deliveries`);
    if (isBack && composedAtMs <= newest!.composedAtMs && (!before || before.composedAtMs === composedAtMs))
      tally.overtaken += 1;
    else if (isBack && !before) say(`tick ${tick} came for the first time, after tick ${newest!.tick}`);
    else if (isBack && !changes.some((changeMs) => changeMs >= before!.atMs && changeMs <= atMs))
      say(`tick ${tick} came again after tick ${newest!.tick}, and the agent had no other dispatcher meanwhile`);
    // A first attempt of what has been tried before is another dispatcher's.
    if (before && attempt <= before.attempt) tally.sentAgain += 1;
    last.set(tick, arrival);
    if (!isBack) newest = arrival;
  }
}

/**
 * A tick that the database holds as settled is never sent again; nor is one whose end is on the log, unless the dispatcher
 * had no time to store it.
 */
function judgeSettled(night: NightRecord, { arrivals, ends, settledSeen }: AgentNight, say: Say): void {
  const ended = new Map<number, End>();
  for (const end of ends) if (!ended.has(end.tick)) ended.set(end.tick, end);
  for (const { tick, attempt, atMs, composedAtMs } of arrivals) {
    // The way to the receiver is no matter of the sender's, who may have given the attempt up.
    const sentAtMs = attempt === 1 ? composedAtMs : atMs;
    const stored = settledSeen.findLast((seen) => seen.atMs < sentAtMs);
    if (stored && tick <= stored.tick)
      say(`tick ${tick} was sent ${sentAtMs - stored.atMs} ms after tick ${stored.tick} was settled`);
    const end = ended.get(tick);
    if (end && end.atMs < sentAtMs && !excuse(night, end.atMs, sentAtMs))
      say(`tick ${tick} was sent ${sentAtMs - end.atMs} ms after its end (${end.outcome})`);
  }
}

/** Each tick has an end, in order; a second one only where the first dispatcher had no time to store it. */
function judgeEnds(night: NightRecord, { ends, firstTick }: AgentNight, tally: Tally, say: Say): void {
  const first = new Map<number, End>();
  let newest = -1;
  for (const end of ends) {
    tally.ends[end.outcome] = (tally.ends[end.outcome] ?? 0) + 1;
    const before = first.get(end.tick);
    if (before) {
      const why = excuse(night, before.atMs, end.atMs);
      if (why === 'death') tally.endedAgain += 1;
      else if (why === 'handover') tally.endedAgainAlive += 1;
      else if (before.atMs === end.atMs && before.outcome === end.outcome) tally.writtenAgain += 1;
      else
        say(`tick ${end.tick} ended twice: ${before.outcome}, and ${end.atMs - before.atMs} ms later ${end.outcome}`);
    } else {
      if (end.tick < newest) say(`the end of tick ${end.tick} is behind that of tick ${newest}`);
      first.set(end.tick, end);
    }
    newest = Math.max(newest, end.tick);
  }
  const missing: number[] = [];
  for (let tick = firstTick; tick <= night.lastTick; tick += 1) if (!first.has(tick)) missing.push(tick);
  if (missing.length > 0) say(`${missing.length} ticks have no end: ${missing.slice(0, 5).join(', ')}`);
}

/**
 * Each answer on the log has one result in the world, and a callback that was delivered, or that the agent
 * took, has brought it, or it waits for one.
 * A second callback brings it only if the first one's end was lost with its dispatcher.
 */
function judgeAnswers({ arrivals, ends, answers, results, carried }: AgentNight, tally: Tally, say: Say): void {
  const delivered = new Set<number>();
  const endings = new Map<number, number>();
  for (const { tick, outcome, actions } of ends) {
    endings.set(tick, (endings.get(tick) ?? 0) + 1);
    if (outcome !== 'delivered') continue;
    delivered.add(tick);
    if (actions > 0 && !answers.has(tick)) say(`the answer to tick ${tick} was taken and is not on the log`);
  }
  const bringers = new Map<string, Set<number>>();
  const taken = new Set<string>();
  for (const { tick, taken: isTaken, results: brought } of arrivals) {
    if (isTaken) for (const { resultId } of brought) taken.add(resultId);
    if (!delivered.has(tick)) continue;
    for (const { resultId } of brought) bringers.set(resultId, (bringers.get(resultId) ?? new Set()).add(tick));
  }
  for (const [tick, records] of answers) {
    tally.answers += 1;
    tally.answeredAgain += records - 1;
    const ids = results.get(tick) ?? [];
    if (ids.length !== 1) say(`the answer to tick ${tick} has ${ids.length} results in the world`);
    for (const id of ids) {
      tally.results += 1;
      const by = [...(bringers.get(id) ?? [])].sort((a, b) => a - b);
      if (by.length === 0 && carried.has(id)) tally.waiting += 1;
      else if (by.length === 0 && taken.has(id)) tally.takenUnsaid += 1;
      else if (by.length === 0) say(`result ${id} of the answer to tick ${tick} was brought by no callback`);
      if (by.length > 1) tally.broughtAgain += 1;
      if (by.length > 1 && by.slice(0, -1).some((bringer) => endings.get(bringer)! < 2))
        say(`result ${id} was brought by the callbacks of ticks ${by.join(', ')}`);
    }
  }
  for (const tick of results.keys()) if (!answers.has(tick)) say(`the world has a result of no answer to tick ${tick}`);
}

/** What explains that a dispatcher did again at `toMs` what had ended at `endedAtMs`: who did it first had no time to store it. */
function excuse({ kills, handovers }: NightRecord, endedAtMs: number, toMs: number): 'death' | 'handover' | undefined {
  const soonAfter = (atMs: number, withinMs: number): boolean =>
    atMs >= endedAtMs && atMs <= Math.min(toMs, endedAtMs + withinMs);
  if (kills.some(({ atMs }) => soonAfter(atMs, STORED_WITHIN_MS))) return 'death';
  return handovers.some((atMs) => soonAfter(atMs, STORED_WITHIN_MS + REBALANCED_WITHIN_MS)) ? 'handover' : undefined;
}

function emptyTally(): Tally {
  return {
    arrivals: 0,
    sentAgain: 0,
    overtaken: 0,
    ends: {},
    endedAgain: 0,
    endedAgainAlive: 0,
    writtenAgain: 0,
    answers: 0,
    answeredAgain: 0,
    results: 0,
    broughtAgain: 0,
    takenUnsaid: 0,
    waiting: 0,
  };
}
