/** Sees records of some topics as soon as any reader can, without belonging to the system. */
export interface RecordTap {
  close(): Promise<void>;
}

/** @param atMs when it was seen, wall clock ms */
export type OnRecord = (topic: string, value: Buffer, atMs: number) => void;
