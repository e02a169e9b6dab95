/** So often the table is read without any news. The common poll of the heads finds what is unheard of sooner. */
const POLL_MS = 5_000;

/** Where to look. */
export interface News {
  topics: readonly string[];
  /** All of it is in the tail. */
  inTail: boolean;
}

/** What one reader has been told and has not looked at yet, and its sleep until there is more. */
export class Newsstand {
  private readonly topics = new Set<string>();
  private inTail = true;
  private endWait: () => void = () => undefined;

  constructor(private readonly all: readonly string[]) {}

  /** @param inTail see {@link import('./wake-ups.js').WakeUps} */
  tell(topics: readonly string[], inTail: boolean): void {
    for (const topic of topics) this.topics.add(topic);
    this.inTail &&= inTail;
    this.endWait();
  }

  /** Everything is to be read from the table. */
  tellAll(): void {
    this.tell(this.all, false);
  }

  /** Ends a wait without news. */
  wake(): void {
    this.endWait();
  }

  take(): News {
    const news = { topics: this.all.filter((topic) => this.topics.has(topic)), inTail: this.inTail };
    this.topics.clear();
    this.inTail = true;
    return news;
  }

  /** Resolves with the next news, a `wake`, or when it is time to look at the table. */
  async wait(): Promise<void> {
    if (this.topics.size > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.tellAll(), POLL_MS);
      this.endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.endWait = () => undefined;
  }
}
