import { NODE_ITSELF, tellBusyTime, type CpuProfile, type ProfileNode } from '../../profile/busy-time.js';
import { PART_RULES } from './parts.js';

/** A part of what an accepted signal costs. Both numbers are of the busy time, which is 1. */
export interface Share {
  part: string;
  share: number;
  /** Of `share`: in system calls that write to a socket. */
  writing: number;
}

const SOCKET_WRITE = /^write(v|Buffer|Utf8String|Latin1String|AsciiString)$/;

/**
 * Divides the busy time among parts. A sample belongs to the part of its innermost frame that a rule names, so that
 * what a part calls in Node is the part's. What has no such frame is Node's own.
 *
 * @returns the largest first
 */
export function sharesOf(profile: CpuProfile): Share[] {
  const spentUs = new Map<string, { all: number; writing: number }>();
  const busyUs = tellBusyTime(profile, partOf, ({ callFrame: { functionName, url } }, part, us) => {
    const spent = spentUs.get(part) ?? { all: 0, writing: 0 };
    spentUs.set(part, spent);
    spent.all += us;
    if (SOCKET_WRITE.test(functionName) && url === '') spent.writing += us;
  });
  return [...spentUs]
    .filter(([, { all }]) => all > 0)
    .map(([part, { all, writing }]) => ({ part, share: all / busyUs, writing: writing / busyUs }))
    .sort((a, b) => b.share - a.share);
}

export function renderShares(shares: readonly Share[]): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1).padStart(5)} %`;
  return shares
    .map(
      ({ part, share, writing }) =>
        `${percent(share)}  ${part}` +
        (writing > 0.001 ? ` (of it ${percent(writing).trim()} writing to sockets)` : ''),
    )
    .join('\n');
}

function partOf({ callFrame: { functionName, url } }: ProfileNode, caller: string): string {
  const rule = PART_RULES.find((each) => each.functionName?.test(functionName) || each.url?.test(url));
  if (rule === undefined || (rule.servesCaller && caller !== NODE_ITSELF)) return caller;
  return rule.part;
}
