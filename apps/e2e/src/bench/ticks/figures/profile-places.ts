import { tellBusyTime, type CpuProfile, type ProfileNode } from '../../profile/busy-time.js';

const MOST_PLACES = 30;

/**
 * Where the busy time of a V8 CPU profile was spent: by the module that asked for it, so that what a module calls in Node
 * is the module's, then by the function on top of the stack.
 *
 * @returns lines, the largest share first in either part
 */
export function renderPlaces(profile: CpuProfile): string[] {
  const byModule = new Map<string, number>();
  const byFunction = new Map<string, number>();
  const busyUs = tellBusyTime(profile, moduleOf, (node, module, us) => {
    const name = functionOf(node);
    byModule.set(module, (byModule.get(module) ?? 0) + us);
    byFunction.set(name, (byFunction.get(name) ?? 0) + us);
  });
  return ['by module:', ...largest(byModule, busyUs), 'by function:', ...largest(byFunction, busyUs)];
}

function moduleOf({ callFrame: { functionName, url } }: ProfileNode, caller: string): string {
  return functionName === '(garbage collector)' ? 'garbage collection' : (packageOf(url) ?? caller);
}

function functionOf({ callFrame: { functionName, url } }: ProfileNode): string {
  return `${projectFile(url) ?? url} ${functionName || '(anonymous)'}`.trim();
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
