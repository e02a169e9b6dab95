import { NODE_ITSELF, PART_RULES } from './parts.js';

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

/** A part of what an accepted signal costs. Both numbers are of the busy time, which is 1. */
export interface Share {
  part: string;
  share: number;
  /** Of `share`: in system calls that write to a socket. */
  writing: number;
}

/** Not the process' own work: its idle time, and the profiler. */
const NOT_WORK = /^\((idle|root)\)$/;
const PROFILER = 'node:inspector';
const SOCKET_WRITE = /^write(v|Buffer|Utf8String|Latin1String|AsciiString)$/;

/**
 * Divides the busy time among parts. A sample belongs to the part of its innermost frame that a rule names, so that
 * what a part calls in Node is the part's. What has no such frame is Node's own.
 *
 * @returns the largest first
 */
export function sharesOf({ nodes, samples, timeDeltas }: CpuProfile): Share[] {
  const places = placesOf(nodes);
  const spentUs = new Map<string, { all: number; writing: number }>();
  let busyUs = 0;
  samples.forEach((id, index) => {
    const place = places.get(id);
    if (place === undefined) return;
    // A clock that steps back between two samples says nothing of the time between them.
    const us = Math.max(0, timeDeltas[index] ?? 0);
    const spent = spentUs.get(place.part) ?? { all: 0, writing: 0 };
    spentUs.set(place.part, spent);
    spent.all += us;
    if (place.writing) spent.writing += us;
    busyUs += us;
  });
  return [...spentUs]
    .filter(([, { all }]) => all > 0)
    .map(([part, { all, writing }]) => ({ part, share: all / busyUs, writing: writing / busyUs }))
    .sort((a, b) => b.share - a.share);
}

export function renderShares(shares: readonly Share[]): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`;
  return shares
    .map(
      ({ part, share, writing }) =>
        `${percent(share)}  ${part}` +
        (writing > 0.001 ? ` (of it ${percent(writing).trim()} writing to sockets)` : ''),
    )
    .join('\n');
}

interface Place {
  part: string;
  writing: boolean;
}

/** @returns where each node's own time belongs; absent for what is not work */
function placesOf(nodes: readonly ProfileNode[]): Map<number, Place> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const called = new Set(nodes.flatMap(({ children = [] }) => children));
  const places = new Map<number, Place>();
  const visit = nodes.filter(({ id }) => !called.has(id)).map((node) => ({ node, caller: NODE_ITSELF }));
  for (let next = visit.pop(); next !== undefined; next = visit.pop()) {
    const { node, caller } = next;
    const { functionName, url } = node.callFrame;
    if (url === PROFILER) continue;
    const part = partOf(node, caller);
    if (!NOT_WORK.test(functionName))
      places.set(node.id, { part, writing: SOCKET_WRITE.test(functionName) && url === '' });
    for (const id of node.children ?? []) visit.push({ node: byId.get(id)!, caller: part });
  }
  return places;
}

function partOf({ callFrame: { functionName, url } }: ProfileNode, caller: string): string {
  const rule = PART_RULES.find((each) => each.functionName?.test(functionName) || each.url?.test(url));
  if (rule === undefined || (rule.servesCaller && caller !== NODE_ITSELF)) return caller;
  return rule.part;
}
