/** An event that at least one endpoint wants, as it is on the log. */
export interface CallbackEvent {
  eventId: string;
  tenantId: string;
  type: string;
  /** The envelope's bytes. Stored once, sent as they are. */
  body: Buffer;
}

/** What has to be known of an endpoint to call it. */
export interface CallbackTarget {
  url: string;
  /** Sealed with the endpoint's id as associated data. */
  sealedSecret: string;
  sealedPreviousSecret: string | null;
  /** Until when the previous secret signs too. */
  previousSecretUntil: Date | null;
}

/** One event on its way to one endpoint, claimed by this process. */
export interface Delivery {
  endpointId: string;
  eventId: string;
  /** Attempts made so far. */
  attempts: number;
  /** Its place in line, unix ms: the event's time on the log, later that of the next attempt. */
  dueAtMs: number;
  body: Buffer;
  /** Undefined: the endpoint is gone, or not active any more. */
  target: CallbackTarget | undefined;
}

/** A delivery that is about to be stored. */
export interface NewDelivery {
  endpointId: string;
  tenantId: string;
  event: CallbackEvent;
  /** Its place in line, unix ms: the event's time on the log. */
  dueAtMs: number;
  /** Its place among the deliveries of that millisecond. */
  tie: number;
  target: CallbackTarget;
  /** Stored as claimed by this process, which sends it at once; otherwise left for whoever claims it. */
  claimed: boolean;
}

/** What an attempt did to its delivery. */
export interface AttemptResult {
  delivery: Delivery;
  /** 1 for the first. */
  attempt: number;
  /** `pending`: there will be another attempt. */
  status: 'delivered' | 'pending' | 'exhausted';
  /** From the time of settling; only where pending. */
  retryInMs?: number;
  /** Unix ms, when the attempt began. */
  atMs: number;
  /** Of the answer, where its head arrived. */
  statusCode?: number;
  error?: string;
  durationMs: number;
  /** The answer's beginning: at most 512 printable ASCII characters. */
  excerpt?: string;
}

/** Identifies a delivery within this process. */
export function deliveryKey({ endpointId, eventId }: { endpointId: string; eventId: string }): string {
  return `${endpointId} ${eventId}`;
}
