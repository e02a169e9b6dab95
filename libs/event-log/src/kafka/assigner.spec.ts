import fc from 'fast-check';
import { type Claimant, sharePartitions } from './assigner.js';

const claimants = fc.uniqueArray(
  fc.record({ memberId: fc.uuid(), had: fc.uniqueArray(fc.integer({ min: -1, max: 30 })) }),
  { selector: ({ memberId }) => memberId, minLength: 1, maxLength: 20 },
);

describe('sharePartitions', () => {
  it('gives every partition to exactly one member, in shares that differ by one at most', () => {
    fc.assert(
      fc.property(claimants, fc.integer({ min: 1, max: 24 }), (members, count) => {
        const shares = [...sharePartitions(members, count).values()];
        expect(shares.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, partition) => partition));
        const sizes = shares.map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('depends on the members, not on the order in which they are listed', () => {
    fc.assert(
      fc.property(claimants, (members) => {
        expect(sharePartitions([...members].reverse(), 12)).toEqual(sharePartitions(members, 12));
      }),
    );
  });

  it('changes nothing when everybody comes back', () => {
    fc.assert(
      fc.property(claimants, (members) => {
        const before = sharePartitions(members, 12);
        const again = members.map(({ memberId }) => ({ memberId, had: before.get(memberId)! }));
        expect(sharePartitions(again, 12)).toEqual(before);
      }),
    );
  });

  it('takes from each only what a newcomer is due', () => {
    const had: Claimant[] = [
      { memberId: 'a', had: [0, 1, 2, 3, 4, 5] },
      { memberId: 'b', had: [6, 7, 8, 9, 10, 11] },
    ];
    const shares = sharePartitions([...had, { memberId: 'c', had: [] }], 12);
    expect(shares).toEqual(
      new Map([
        ['a', [0, 1, 2, 3]],
        ['b', [6, 7, 8, 9]],
        ['c', [4, 5, 10, 11]],
      ]),
    );
  });

  it('leaves members without partitions when there are more members than partitions', () => {
    const members = ['a', 'b', 'c'].map((memberId) => ({ memberId, had: [] }));
    expect([...sharePartitions(members, 2).values()].map(({ length }) => length)).toEqual([1, 1, 0]);
  });
});
