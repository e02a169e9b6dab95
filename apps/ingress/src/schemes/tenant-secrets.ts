import type { SecretBox } from '@tickwire/credentials';
import type { SigningSecretEntry } from '@tickwire/directory';
import { InvalidWebhookSecret, parseWebhookSecret } from '@tickwire/signing';

/** A live secret of a sender. */
export interface SenderSecret {
  /** The key of Standard Webhooks; undefined where the secret is not of that form. */
  webhookKey: Buffer | undefined;
  /** The bot that it belongs to; null: the tenant. */
  botId: string | null;
}

/** Where the rows come from; the directory, or a reading of the database. */
export interface SecretRows {
  signingSecrets(tenantId: string): Promise<SigningSecretEntry[]>;
}

/** Opened secrets are kept for this many sealed texts; beyond it everything is opened anew. */
const MAX_OPENED = 100_000;

/** The signing secrets of tenants and their bots, opened once and remembered by their sealed text. */
export class TenantSecrets {
  readonly #opened = new Map<string, Buffer | undefined>();

  /**
   * @param cached    knows most tenants without asking the database
   * @param confirmed asks the database each time: a secret may be younger than the news of it
   * @param onUnreadable told once of a secret that cannot be opened; the tenant's others still work
   */
  constructor(
    private readonly cached: SecretRows,
    private readonly confirmed: SecretRows,
    private readonly box: SecretBox,
    private readonly onUnreadable: (secretId: string, error: Error) => void,
  ) {}

  /**
   * The secrets that may have signed for this tenant and, if the body names one, this bot.
   * @param nowMs those that have expired by then are left out
   * @throws TransientError while they cannot be read
   */
  async of(sender: { tenantId: string; botId?: string }, nowMs: number): Promise<SenderSecret[]> {
    return this.#open(await this.cached.signingSecrets(sender.tenantId), sender.botId, nowMs);
  }

  /**
   * As `of`, from the database. A sender who was refused on cached secrets is judged on these, which takes him the
   * time that an unknown tenant needs: the absence of one is confirmed in the database too.
   */
  async confirmedOf(sender: { tenantId: string; botId?: string }, nowMs: number): Promise<SenderSecret[]> {
    return this.#open(await this.confirmed.signingSecrets(sender.tenantId), sender.botId, nowMs);
  }

  #open(rows: readonly SigningSecretEntry[], botId: string | undefined, nowMs: number): SenderSecret[] {
    return rows
      .filter(
        (row) =>
          (row.botId === null || row.botId === botId) && (row.expiresAt === null || row.expiresAt.getTime() > nowMs),
      )
      .map((row) => ({ botId: row.botId, webhookKey: this.#webhookKey(row) }));
  }

  #webhookKey(row: SigningSecretEntry): Buffer | undefined {
    // With the row's id: the same sealed text copied to another row must not open there.
    const key = `${row.id} ${row.sealed}`;
    if (this.#opened.has(key)) return this.#opened.get(key);
    if (this.#opened.size >= MAX_OPENED) this.#opened.clear();
    const opened = this.#openWebhookKey(row);
    this.#opened.set(key, opened);
    return opened;
  }

  #openWebhookKey(row: SigningSecretEntry): Buffer | undefined {
    try {
      return parseWebhookSecret(this.box.open(row.sealed, [row.id]));
    } catch (error) {
      if (!(error instanceof InvalidWebhookSecret)) this.onUnreadable(row.id, error as Error);
      return undefined;
    }
  }
}
