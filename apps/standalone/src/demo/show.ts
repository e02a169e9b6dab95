import { setTimeout as sleep } from 'node:timers/promises';
import type { DevFile } from '../local/dev-file.js';
import type { DemoActivity } from './demo-receivers.js';
import { sendDemoSignal } from './send-signal.js';

/** Shows the main job in a few lines: callbacks as they come, each agent's first answer, then a line a minute. */
export class Show implements DemoActivity {
  private readonly answered = new Map<string, number>();
  private readonly seen = new Set<string>();
  private callbacks = 0;

  constructor(private readonly say: (line: string) => void) {}

  callback({ type, data }: Parameters<DemoActivity['callback']>[0]): void {
    this.callbacks += 1;
    const signal = String(data['signalId'] ?? '');
    // The demo's own first signal is told in full; later ones are the reader's.
    if (this.callbacks > 40) return;
    const detail =
      type === 'webhook.trade_executed'
        ? ` ${String(data['side'])} ${String(data['lastQty'])} ${String(data['symbol'])} at ${String(data['lastPx'])}`
        : '';
    this.say(`  callback  ${type}${detail}  (${signal.slice(0, 13)}…)`);
  }

  tick(agent: string, { tick, portfolio }: Parameters<DemoActivity['tick']>[1], orders: number): void {
    this.answered.set(agent, (this.answered.get(agent) ?? 0) + 1);
    if (!this.seen.has(agent))
      this.say(`  agent     ${agent} answers its first tick (${tick}); net worth ${portfolio.netWorth}`);
    else if (orders > 0 && !this.seen.has(`${agent} ordered`)) {
      this.seen.add(`${agent} ordered`);
      this.say(`  agent     ${agent} sends its first order with tick ${tick}`);
    }
    this.seen.add(agent);
  }

  /** Sends a signal and waits until it is final. */
  async firstSignal(dev: DevFile): Promise<void> {
    const { statusUrl } = await sendDemoSignal(dev, 'buy');
    this.say('  signal    sent and answered 202');
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const answer = await fetch(statusUrl, { headers: { prefer: 'wait=5' } });
      const { status, error } = (await answer.json()) as { status?: string; error?: { message?: string } };
      if (status === 'executed') return this.say('  signal    executed');
      if (status === 'failed') throw new Error(`The demo's signal failed: ${error?.message ?? 'see the status URL'}`);
      await sleep(500);
    }
    throw new Error(`The demo's signal is not final after a minute: ${statusUrl}`);
  }

  summary(): string {
    const answers = [...this.answered].map(([agent, count]) => `${agent} ${count}`).join(', ');
    return `  so far    ${this.callbacks} callbacks received; ticks answered: ${answers || 'none'}`;
  }
}
