const PATH = '/agents/';
/** Of agents that may hang: one in five, spread over all origins, so that they share them with the others. */
const HANGS_EVERY = 5;

/** Where an agent wants its callbacks: agents are dealt out over the origins in turn. */
export function callbackUrl(origins: readonly string[], agent: number): string {
  return origins[agent % origins.length]! + callbackPath(agent);
}

export function callbackPath(agent: number): string {
  return `${PATH}${agent}`;
}

/** The agent's index; NaN for another path. */
export function callbackAgent(path: string): number {
  return path.startsWith(PATH) ? Number(path.slice(PATH.length)) : NaN;
}

/** Whether the agent is one that accepts and never answers, in a stretch where some do. */
export function hangs(agent: number): boolean {
  return agent % HANGS_EVERY === 0;
}

/** How many of so many agents hang. */
export function hangingOf(agents: number): number {
  return Math.ceil(agents / HANGS_EVERY);
}
