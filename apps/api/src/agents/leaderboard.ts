import { Inject, Injectable } from '@nestjs/common';
import type { AppHost } from '@tickwire/runtime';
import { formatDecimal, MINOR_DIGITS } from '../accounts/amounts.js';
import type { ListQuery } from '../listing/list-query.js';
import { badCursor, pageOf, readJsonCursor, type Page } from '../listing/page.js';
import { HOST } from '../tokens.js';

/** Where an agent stands in its world, as everybody in the world may see it. */
export interface LeaderboardEntry {
  /** From 1, without gaps: the tie-breakers leave no ties. */
  rank: number;
  agentId: string;
  name: string;
  role: string;
  /** As of the agent's newest tick, decimal string. */
  netWorth: string;
  /** Over all successful deliveries, ms; null before the first. */
  avgResponseTimeMs: number | null;
}

/** What decides an agent's place. */
export interface Standing {
  agentId: string;
  netWorthCents: number;
  avgResponseTimeMs: number | null;
}

type NamedStanding = Standing & { name: string; role: string };

/** The standings of one world, in order. */
interface Reading {
  standings: Promise<NamedStanding[]>;
  /** On the monotonic clock, ms; Infinity while it is being read. */
  freshUntilMs: number;
}

/** Standings serve all who ask for so long: reading a world of 100,000 agents is not a question to answer to each. */
const FRESH_MS = 1_000;

/** Agents of a world by net worth; ties go to the faster answers. As of the last second. */
@Injectable()
export class Leaderboard {
  private readonly readings = new Map<string, Reading>();

  constructor(@Inject(HOST) private readonly host: AppHost) {}

  /**
   * An agent is on the list from its first tick on. The cursor is a place in the order, not a count: whoever holds their
   * place between two pages is shown once.
   */
  async list(worldId: string, { limit, cursor }: ListQuery): Promise<Page<LeaderboardEntry>> {
    const after = cursor === undefined ? undefined : readStanding(cursor);
    const standings = await this.standings(worldId);
    const start = after === undefined ? 0 : placeAfter(standings, after);
    const shown = standings.slice(start, start + limit + 1).map((standing, n) => ({ standing, rank: start + n + 1 }));
    return pageOf(shown, limit, (last) => writeStanding(last.standing), toEntry);
  }

  /** One read at a time per world, and none for a second after it, however many ask. */
  private standings(worldId: string): Promise<NamedStanding[]> {
    const nowMs = performance.now();
    for (const [each, { freshUntilMs }] of this.readings) if (nowMs >= freshUntilMs) this.readings.delete(each);
    const known = this.readings.get(worldId);
    if (known !== undefined) return known.standings;
    const reading = { standings: this.read(worldId), freshUntilMs: Infinity };
    this.readings.set(worldId, reading);
    reading.standings.then(
      () => (reading.freshUntilMs = performance.now() + FRESH_MS),
      () => this.readings.delete(worldId), // those who wait are told; the next one asks again
    );
    return reading.standings;
  }

  private async read(worldId: string): Promise<NamedStanding[]> {
    const { rows } = await this.host.pool.query<NamedStanding>(
      `SELECT a."id" AS "agentId", a."name", a."role",
              v."net_worth_cents" AS "netWorthCents",
              s."total_response_time_ms" / nullif(s."success_count", 0) AS "avgResponseTimeMs"
         FROM "agent_view" v JOIN "agent" a ON a."id" = v."agent_id"
         LEFT JOIN "agent_delivery_stats" s ON s."agent_id" = v."agent_id"
        WHERE v."world_id" = $1 AND v."net_worth_cents" IS NOT NULL`,
      [worldId],
    );
    return rows.sort(compareStandings);
  }
}

/** Net worth descending, mean response time ascending with none at the end, then id: never 0 for two agents. */
export function compareStandings(a: Standing, b: Standing): number {
  if (a.netWorthCents !== b.netWorthCents) return b.netWorthCents - a.netWorthCents;
  const [aMs, bMs] = [a.avgResponseTimeMs ?? Infinity, b.avgResponseTimeMs ?? Infinity];
  if (aMs !== bMs) return aMs < bMs ? -1 : 1;
  return a.agentId < b.agentId ? -1 : a.agentId > b.agentId ? 1 : 0;
}

/** @returns the index of the first of `standings`, which are in order, that comes after `last`, whether it is among them or not */
export function placeAfter(standings: readonly Standing[], last: Standing): number {
  let [low, high] = [0, standings.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareStandings(standings[middle]!, last) > 0) high = middle;
    else low = middle + 1;
  }
  return low;
}

function toEntry({ standing, rank }: { standing: NamedStanding; rank: number }): LeaderboardEntry {
  const { agentId, name, role, netWorthCents, avgResponseTimeMs } = standing;
  return { rank, agentId, name, role, netWorth: formatDecimal(netWorthCents, MINOR_DIGITS), avgResponseTimeMs };
}

function writeStanding({ netWorthCents, avgResponseTimeMs, agentId }: Standing): string {
  return Buffer.from(JSON.stringify([netWorthCents, avgResponseTimeMs, agentId])).toString('base64url');
}

function readStanding(cursor: string): Standing {
  const parts = readJsonCursor(cursor);
  const [netWorthCents, avgResponseTimeMs, agentId] = Array.isArray(parts) ? (parts as unknown[]) : [];
  if (
    typeof netWorthCents !== 'number' ||
    (avgResponseTimeMs !== null && typeof avgResponseTimeMs !== 'number') ||
    typeof agentId !== 'string'
  ) {
    throw badCursor();
  }
  return { netWorthCents, avgResponseTimeMs, agentId };
}
