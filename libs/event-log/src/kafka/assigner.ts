import kafkajs, { type Assigner, type GroupMember, type PartitionAssigner } from 'kafkajs';

const { MemberAssignment, MemberMetadata } = kafkajs.AssignerProtocol;

/** All members of a group have to offer the same protocol; a change of the rules needs a new name. */
const PROTOCOL = 'tickwire-copartitioned';
const VERSION = 0;

/** A member as the assignment sees it. */
export interface Claimant {
  memberId: string;
  /** The partitions it had last; kept where that does not unbalance the group. */
  had: readonly number[];
}

/**
 * Shares partitions 0..count-1 out: shares differ by one at most, members keep what they had as far as that allows, and
 * the result depends on the arguments alone (not on their order).
 *
 * @returns the partitions of each member, ascending; every partition exactly once
 */
export function sharePartitions(claimants: readonly Claimant[], partitionCount: number): Map<string, number[]> {
  const members = [...claimants].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const shares = new Map<string, number[]>(members.map(({ memberId }) => [memberId, []]));
  if (members.length === 0) return shares;
  const free = new Set(Array.from({ length: partitionCount }, (_, partition) => partition));
  const least = Math.floor(partitionCount / members.length);
  let larger = partitionCount % members.length;

  // Whoever can fill the larger share keeps it: those who had most come first.
  const byHad = [...members].sort((a, b) => b.had.length - a.had.length || (a.memberId < b.memberId ? -1 : 1));
  const sizes = new Map(byHad.map(({ memberId }) => [memberId, larger-- > 0 ? least + 1 : least]));
  for (const { memberId, had } of byHad) {
    const share = shares.get(memberId)!;
    for (const partition of [...had].sort((a, b) => a - b)) {
      if (share.length < sizes.get(memberId)! && free.delete(partition)) share.push(partition);
    }
  }
  const left = [...free];
  for (const { memberId } of members) {
    const share = shares.get(memberId)!;
    share.push(...left.splice(0, sizes.get(memberId)! - share.length));
    share.sort((a, b) => a - b);
  }
  return shares;
}

/**
 * The partition assigner for kafkajs: partition n of every topic goes to the same member. A member gets only topics that
 * it subscribes to, so that versions with different topics can share a group during a deployment.
 *
 * @param had    the partitions this member had last, asked at each join
 * @param attach is given the cluster object of the consumer, the key to `hookGroup`
 */
export function copartitionedAssigner(
  partitionCount: number,
  had: () => readonly number[],
  attach: (cluster: object) => void,
): PartitionAssigner {
  return ({ cluster }): Assigner => {
    attach(cluster as object);
    return {
      name: PROTOCOL,
      version: VERSION,
      protocol: ({ topics }) => ({
        name: PROTOCOL,
        metadata: MemberMetadata.encode({ version: VERSION, topics, userData: Buffer.from(JSON.stringify(had())) }),
      }),
      assign: async ({ members }) => {
        const described = members.map(describe);
        const shares = sharePartitions(described, partitionCount);
        return described.map(({ memberId, topics }) => {
          const partitions = shares.get(memberId)!;
          // A member without partitions has no topics either: kafkajs asks for each topic it is given.
          const assignment = Object.fromEntries(
            partitions.length > 0 ? topics.map((topic) => [topic, partitions]) : [],
          );
          return {
            memberId,
            memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData: NOTHING }),
          };
        });
      },
    };
  };
}

const NOTHING = Buffer.alloc(0);

function describe({ memberId, memberMetadata }: GroupMember): Claimant & { topics: string[] } {
  const decoded = MemberMetadata.decode(memberMetadata);
  return { memberId, topics: decoded?.topics ?? [], had: partitionsIn(decoded?.userData) };
}

/** What another member claims is only a wish: anything unreadable counts as none. */
function partitionsIn(userData: Buffer | undefined): number[] {
  try {
    const claimed: unknown = JSON.parse(userData?.toString('utf8') || '[]');
    return Array.isArray(claimed) ? claimed.filter((partition) => Number.isInteger(partition)) : [];
  } catch {
    return [];
  }
}
