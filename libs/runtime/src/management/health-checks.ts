/** Resolves when all is well; rejects, or takes too long, when it is not. The message is shown to operators only. */
export type HealthCheck = () => Promise<void> | void;

export interface CheckResult {
  app: string;
  name: string;
  ok: boolean;
  durationMs: number;
  error?: string;
}

interface Registered {
  app: string;
  name: string;
  check: HealthCheck;
  timeoutMs: number;
}

/** A set of named checks that are run together, each with its own limit of time. */
export class HealthChecks {
  private readonly checks = new Set<Registered>();
  private round: Promise<CheckResult[]> | undefined;

  /** @returns removes the check again */
  add(app: string, name: string, check: HealthCheck, timeoutMs: number): () => void {
    const entry = { app, name, check, timeoutMs };
    this.checks.add(entry);
    return () => void this.checks.delete(entry);
  }

  /** Runs all at once. Callers that come while a round is running share it, so that probes cannot pile up. */
  run(): Promise<CheckResult[]> {
    this.round ??= Promise.all([...this.checks].map(runOne)).finally(() => (this.round = undefined));
    return this.round;
  }
}

async function runOne({ app, name, check, timeoutMs }: Registered): Promise<CheckResult> {
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  const done = (ok: boolean, error?: string): CheckResult => ({
    app,
    name,
    ok,
    durationMs: Math.round(performance.now() - startedAt),
    ...(error === undefined ? {} : { error }),
  });
  try {
    await Promise.race([Promise.resolve().then(check), late]);
    return done(true);
  } catch (error) {
    return done(false, error instanceof Error ? error.message : String(error));
  } finally {
    clearTimeout(timer);
  }
}
