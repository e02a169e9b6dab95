/** First and last port. */
export type PortRange = readonly [number, number];

/** HTTP's own ports and those that no system service has by right: never SSH, SMTP, LDAP and their like. */
export const DEFAULT_PORTS: readonly PortRange[] = [
  [80, 80],
  [443, 443],
  [1_024, 65_535],
];

/**
 * Reads `CALLBACK_PORTS`: comma-separated ports and ranges, e.g. `443,8000-8999`. Blank: `DEFAULT_PORTS`.
 *
 * @throws TypeError naming the position of an entry that is neither a port (1-65535) nor a range of them
 */
export function parsePorts(text: string | undefined): readonly PortRange[] {
  const entries = (text ?? '').split(',').map((entry) => entry.trim());
  const ranges = entries.flatMap((entry, index) => (entry === '' ? [] : [parseRange(entry, index + 1)]));
  return ranges.length > 0 ? ranges : DEFAULT_PORTS;
}

function parseRange(entry: string, position: number): PortRange {
  const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(entry) ?? [];
  const range: PortRange = [Number(first), Number(last)];
  if (!(range[0] >= 1 && range[0] <= range[1] && range[1] <= 65_535)) {
    throw new TypeError(`entry ${position} of the list is neither a port nor a range of ports`);
  }
  return range;
}
