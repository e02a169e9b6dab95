import type { Queryable } from '@tickwire/event-log';
import { loadHeads, rebuildWorld } from './world-store.js';

export interface WorldProof {
  worldId: string;
  /** Ticks replayed from tick 0, each to its recorded hash, none missing. */
  ticks: number;
  hash: string;
}

/**
 * Replays the worlds of all partitions from their recorded inputs alone.
 * @throws WorldDiverged at the first tick whose hash is not the recorded one, or that is missing
 */
export async function verifyWorlds(db: Queryable, partitionCount: number): Promise<WorldProof[]> {
  const heads = await loadHeads(
    db,
    Array.from({ length: partitionCount }, (_, n) => n),
  );
  const proofs: WorldProof[] = [];
  for (const head of heads) {
    const { world } = await rebuildWorld(db, head, true);
    proofs.push({ worldId: head.worldId, ticks: head.tick, hash: world.hash() });
  }
  return proofs;
}
