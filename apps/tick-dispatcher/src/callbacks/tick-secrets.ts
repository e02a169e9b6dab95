import type { SecretBox } from '@tickwire/credentials';
import type { AgentEntry } from '@tickwire/directory';

/** What an agent's callbacks are signed with. */
export interface SigningSecrets {
  current?: string;
  /** During a rotation. */
  previous?: string;
}

const MOST_CACHED = 100_000;

/** Opens agents' secrets, each sealed text once. */
export class TickSecrets {
  private readonly opened = new Map<string, string>();

  constructor(private readonly box: SecretBox) {}

  /** @throws SecretUnreadable when one that should sign cannot be opened */
  of(agent: AgentEntry, nowMs: number): SigningSecrets {
    const { sealedWebhookSecret, sealedPreviousSecret, previousSecretUntil } = agent;
    const rotating =
      sealedPreviousSecret !== null && previousSecretUntil !== null && previousSecretUntil.getTime() > nowMs;
    return {
      ...(sealedWebhookSecret === null ? {} : { current: this.open(sealedWebhookSecret, agent.id) }),
      ...(rotating ? { previous: this.open(sealedPreviousSecret, agent.id) } : {}),
    };
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
