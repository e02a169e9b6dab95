/** What `GET /api/v1/signals/{webhookId}` answers, as far as it is shown here. */
export interface SignalStatus {
  webhookId: string;
  status: string;
  final: boolean;
  timeline: { type: string; at: string }[];
  fills: { symbol: string; side: string; lastQty: string; lastPx: string; commission: string; leavesQty: string }[];
  outcome?: string;
  error?: {
    stage: string;
    code: string;
    message: string;
    errors?: { pointer: string; code: string; detail: string }[];
  };
}

/** The lines that tell what has happened since `shown` steps of the timeline were told, in order. */
export function timelineLines({ timeline }: SignalStatus, shown: number): string[] {
  return timeline.slice(shown).map(({ type, at }) => `${at}  ${type}`);
}

/** The end of a signal and its fills; why it failed is told as the command's failure. */
export function endLines({ status, fills, outcome, error }: SignalStatus): string[] {
  const how = error === undefined ? outcome : `at the ${error.stage}`;
  return [
    ...fills.map(
      ({ side, lastQty, symbol, lastPx, commission }) =>
        `filled: ${side} ${lastQty} ${symbol} at ${lastPx}, commission ${commission}`,
    ),
    `final: ${status}${how === undefined ? '' : `, ${how}`}`,
  ];
}
