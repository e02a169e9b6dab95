import type { CpuProfile, ProfileNode } from '../../ingress/profile/profile-shares.js';

const NOT_WORK = /^\((idle|root)\)$/;
const PROFILER = 'node:inspector';
/** Of frames that no module of ours or of a package has called. */
const NODE_ITSELF = 'Node itself: sockets, timers, microtasks';
const MOST_PLACES = 30;

/**
 * Where the busy time of a V8 CPU profile was spent: by the module that asked for it, so that what a module calls in Node
 * is the module's, then by the function on top of the stack.
 *
 * @returns lines, the largest share first in either part
 */
export function renderPlaces({ nodes, samples, timeDeltas }: CpuProfile): string[] {
  const places = placesOf(nodes);
  const byModule = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busyUs = 0;
  samples.forEach((id, index) => {
    const place = places.get(id);
    if (!place) return;
    // A clock that steps back between two samples says nothing of the time between them.
    const us = Math.max(0, timeDeltas[index] ?? 0);
    byModule.set(place.module, (byModule.get(place.module) ?? 0) + us);
    byFunction.set(place.function, (byFunction.get(place.function) ?? 0) + us);
    busyUs += us;
  });
  return ['by module:', ...largest(byModule, busyUs), 'by function:', ...largest(byFunction, busyUs)];
}

interface Place {
  module: string;
  function: string;
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
    const isCollector = functionName === '(garbage collector)';
    const module = isCollector ? 'garbage collection' : (packageOf(url) ?? caller);
    const file = projectFile(url) ?? url;
    if (!NOT_WORK.test(functionName))
      places.set(node.id, { module, function: `${file} ${functionName || '(anonymous)'}`.trim() });
    for (const id of node.children ?? []) visit.push({ node: byId.get(id)!, caller: module });
  }
  return places;
}

/** A file of ours, or the name of a package. */
function packageOf(url: string): string | undefined {
  return /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1] ?? projectFile(url);
}

/** From the project or package on: where a tree lies says nothing. */
function projectFile(url: string): string | undefined {
  return /\/(?:node_modules|libs|apps)\/(?!.*\/node_modules\/)(.*)$/.exec(url)?.[1];
}

function largest(spentUs: ReadonlyMap<string, number>, busyUs: number): string[] {
  return [...spentUs]
    .sort(([, a], [, b]) => b - a)
    .slice(0, MOST_PLACES)
    .map(([place, us]) => `${((us / busyUs) * 100).toFixed(1).padStart(5)} %  ${place}`);
}
