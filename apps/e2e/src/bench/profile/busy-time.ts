/** What is read of a V8 CPU profile (`.cpuprofile`). */
export interface CpuProfile {
  nodes: readonly ProfileNode[];
  /** The node at the top of the stack, for each sample. */
  samples: readonly number[];
  /** µs since the sample before, for each sample. */
  timeDeltas: readonly number[];
}

export interface ProfileNode {
  id: number;
  callFrame: { functionName: string; url: string };
  children?: readonly number[];
}

/** Of frames that nobody of ours, nor a package, has called. */
export const NODE_ITSELF = 'Node itself: sockets, timers, microtasks';
/** Not the process' own work: its idle time, and the profiler. */
const NOT_WORK = /^\((idle|root)\)$/;
const PROFILER = 'node:inspector';

/**
 * Tells of each sample of busy time which frame it was in, and whose that is.
 * @param ownerOf whose a frame is, given whose its caller is: a frame of Node's is its caller's
 * @returns all of it, µs
 */
export function tellBusyTime(
  { nodes, samples, timeDeltas }: CpuProfile,
  ownerOf: (node: ProfileNode, caller: string) => string,
  tell: (node: ProfileNode, owner: string, us: number) => void,
): number {
  const owned = ownersOf(nodes, ownerOf);
  let busyUs = 0;
  samples.forEach((id, index) => {
    const found = owned.get(id);
    if (found === undefined) return;
    // A clock that steps back between two samples says nothing of the time between them.
    const us = Math.max(0, timeDeltas[index] ?? 0);
    tell(found.node, found.owner, us);
    busyUs += us;
  });
  return busyUs;
}

/** @returns whose each node's own time is; absent for what is not work */
function ownersOf(
  nodes: readonly ProfileNode[],
  ownerOf: (node: ProfileNode, caller: string) => string,
): Map<number, { node: ProfileNode; owner: string }> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const called = new Set(nodes.flatMap(({ children = [] }) => children));
  const owned = new Map<number, { node: ProfileNode; owner: string }>();
  const visit = nodes.filter(({ id }) => !called.has(id)).map((node) => ({ node, caller: NODE_ITSELF }));
  for (let next = visit.pop(); next !== undefined; next = visit.pop()) {
    const { node, caller } = next;
    const { functionName, url } = node.callFrame;
    if (url === PROFILER) continue;
    const owner = ownerOf(node, caller);
    if (!NOT_WORK.test(functionName)) owned.set(node.id, { node, owner });
    for (const id of node.children ?? []) visit.push({ node: byId.get(id)!, caller: owner });
  }
  return owned;
}
