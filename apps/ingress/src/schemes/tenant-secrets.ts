import type { SecretBox } from '@tickwire/credentials';
import type { SigningSecretEntry } from '@tickwire/directory';
import { InvalidWebhookSecret, parseWebhookSecret, textKey } from '@tickwire/signing';

/** What a secret signs with. Both are undefined where it cannot be opened. */
export interface SecretKeys {
  /** The key of Standard Webhooks; undefined where the secret is not of that form. */
  webhookKey: Buffer | undefined;
  /** The key of the hex schemes: the secret's text as it stands, `whsec_` and all; undefined for the empty text. */
  textKey: Buffer | undefined;
}

/** A live secret of a sender. */
export interface SenderSecret extends SecretKeys {
  /** The bot that it belongs to; null: the tenant. */
  botId: string | null;
}

/** Who claims to have signed. It picks candidate secrets and proves nothing. */
export interface ClaimedSender {
  tenantId: string;
  /** Beside the tenant's own secrets this bot's are candidates. */
  botId?: string;
  /** The id of a signing secret: no other one of the tenant or its bots is a candidate. */
  keyId?: string;
}

/** The secrets that may have signed, of one reading. */
export interface CandidateSecrets {
  candidates: SenderSecret[];
  /** The tenant or one of its bots has a secret, if only one that is no candidate. */
  tenantHasAny: boolean;
}

/** Where the rows come from; the directory, or a reading of the database. */
export interface SecretRows {
  signingSecrets(tenantId: string): Promise<SigningSecretEntry[]>;
}

/** Opened secrets are kept for this many sealed texts; beyond it everything is opened anew. */
const MAX_OPENED = 100_000;

/** The signing secrets of tenants and their bots, opened once and remembered by their sealed text. */
export class TenantSecrets {
  readonly #opened = new Map<string, SecretKeys>();

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
   * The secrets that may have signed for this tenant and, if the sender names one, this bot or under this key id.
   * @param nowMs those that have expired by then are left out
   * @throws TransientError while they cannot be read
   */
  async of(sender: ClaimedSender, nowMs: number): Promise<CandidateSecrets> {
    return this.#candidates(await this.cached.signingSecrets(sender.tenantId), sender, nowMs);
  }

  /**
   * As `of`, from the database. A sender who was refused on cached secrets is judged on these, which takes him the
   * time that an unknown tenant needs: the absence of one is confirmed in the database too.
   */
  async confirmedOf(sender: ClaimedSender, nowMs: number): Promise<CandidateSecrets> {
    return this.#candidates(await this.confirmed.signingSecrets(sender.tenantId), sender, nowMs);
  }

  #candidates(rows: readonly SigningSecretEntry[], { botId, keyId }: ClaimedSender, nowMs: number): CandidateSecrets {
    const candidates: SenderSecret[] = [];
    for (const row of rows) {
      const named = keyId === undefined ? row.botId === null || row.botId === botId : row.id === keyId;
      if (!named || (row.expiresAt !== null && row.expiresAt.getTime() <= nowMs)) continue;
      candidates.push({ botId: row.botId, ...this.#keys(row) });
    }
    return { candidates, tenantHasAny: rows.length > 0 };
  }

  #keys(row: SigningSecretEntry): SecretKeys {
    // With the row's id: the same sealed text copied to another row must not open there.
    const key = `${row.id} ${row.sealed}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    if (this.#opened.size >= MAX_OPENED) this.#opened.clear();
    const opened = this.#open(row);
    this.#opened.set(key, opened);
    return opened;
  }

  #open({ id, sealed }: SigningSecretEntry): SecretKeys {
    let text: string;
    try {
      text = this.box.open(sealed, [id]);
    } catch (error) {
      this.onUnreadable(id, error as Error);
      return { webhookKey: undefined, textKey: undefined };
    }
    // Anybody can sign with the empty key.
    return { webhookKey: webhookKeyOf(text), textKey: text === '' ? undefined : textKey(text) };
  }
}

function webhookKeyOf(secret: string): Buffer | undefined {
  try {
    return parseWebhookSecret(secret);
  } catch (error) {
    if (!(error instanceof InvalidWebhookSecret)) throw error;
    return undefined;
  }
}
