import type { SecretBox } from '@tickwire/credentials';
import type { AgentEntry } from '@tickwire/directory';

/** What an agent's callbacks are signed with. */
export interface SigningSecrets {
  current?: string;
  /** During a rotation. */
  previous?: string;
}

const MOST_CACHED = 100_000;
const NONE: SigningSecrets = {};

/** Opens agents' secrets, each sealed text once. */
export class TickSecrets {
  private readonly opened = new Map<string, string>();
  /** Of agents that rotate nothing. The directory makes a new entry for every change of an agent. */
  private readonly steady = new WeakMap<AgentEntry, SigningSecrets>();

  constructor(private readonly box: SecretBox) {}

  /** @throws SecretUnreadable when one that should sign cannot be opened */
  of(agent: AgentEntry, nowMs: number): SigningSecrets {
    const known = this.steady.get(agent);
    if (known !== undefined) return known;
    const { id, sealedWebhookSecret, sealedPreviousSecret, previousSecretUntil } = agent;
    const current: SigningSecrets =
      sealedWebhookSecret === null ? NONE : { current: this.open(sealedWebhookSecret, id) };
    if (
      sealedPreviousSecret !== null &&
      previousSecretUntil !== null &&
      // Asked at every callback: the rotation ends without a change of the entry.
      previousSecretUntil.getTime() > nowMs
    ) {
      return { ...current, previous: this.open(sealedPreviousSecret, id) };
    }
    this.steady.set(agent, current);
    return current;
  }

  private open(sealed: string, agentId: string): string {
    // The text is bound to its row: the same one at another agent must fail again.
    const key = `${agentId} ${sealed}`;
    let secret = this.opened.get(key);
    if (secret === undefined) {
      secret = this.box.open(sealed, [agentId]);
      if (this.opened.size >= MOST_CACHED) this.opened.delete(this.opened.keys().next().value!);
      this.opened.set(key, secret);
    }
    return secret;
  }
}
