import { NODE_ITSELF, type CpuProfile, type ProfileNode } from '../../profile/busy-time.js';
import { renderShares, sharesOf } from './profile-shares.js';

const SIGNING = 'file:///srv/libs/signing/dist/digest.js';
const CLAIMS = 'file:///srv/apps/ingress/dist/claims/redis-claim-store.js';
const IOREDIS = 'file:///srv/node_modules/ioredis/built/Redis.js';
const INTAKE = 'file:///srv/apps/ingress/dist/signals/signal-intake.js';
const FASTIFY = 'file:///srv/node_modules/fastify/lib/reply.js';

/** One stack, outermost frame first; the time is spent in its innermost frame. */
interface Stack {
  frames: [functionName: string, url: string][];
  us: number;
}

function profile(...stacks: Stack[]): CpuProfile {
  const nodes: (ProfileNode & { children: number[] })[] = [
    { id: 1, callFrame: { functionName: '(root)', url: '' }, children: [] },
  ];
  const samples: number[] = [];
  for (const { frames } of stacks) {
    let parent = nodes[0]!;
    for (const [functionName, url] of frames) {
      const node = { id: nodes.length + 1, callFrame: { functionName, url }, children: [] };
      parent.children.push(node.id);
      nodes.push(node);
      parent = node;
    }
    samples.push(parent.id);
  }
  return { nodes, samples, timeDeltas: stacks.map(({ us }) => us) };
}

const shareOf = (of: CpuProfile, part: string) => sharesOf(of).find((share) => share.part.startsWith(part));

it('gives what a part calls in Node to the part', () => {
  const one = profile({
    frames: [
      ['hmacSha256', SIGNING],
      ['createHmac', 'node:crypto'],
      ['init', ''],
    ],
    us: 10,
  });
  expect(sharesOf(one)).toEqual([{ part: expect.stringMatching(/^signature/), share: 1, writing: 0 }]);
});

it('gives a sample to the innermost part of its stack', () => {
  const one = profile({
    frames: [
      ['take', INTAKE],
      ['send', FASTIFY],
    ],
    us: 10,
  });
  expect(shareOf(one, 'HTTP')?.share).toBe(1);
});

it('gives the time of a client that several parts use to the part that called it, and else to the client', () => {
  const both = profile(
    {
      frames: [
        ['claim', CLAIMS],
        ['sendCommand', IOREDIS],
        ['writeUtf8String', ''],
      ],
      us: 30,
    },
    {
      frames: [
        ['onStreamRead', 'node:internal/stream_base_commons'],
        ['returnReply', IOREDIS],
      ],
      us: 10,
    },
  );
  expect(shareOf(both, 'claim')).toMatchObject({ share: 0.75, writing: 0.75 });
  expect(shareOf(both, 'Redis client')).toMatchObject({ share: 0.25, writing: 0 });
});

it('leaves out idle time and the profiler, and keeps garbage collection and Node itself', () => {
  const all = profile(
    { frames: [['(idle)', '']], us: 1_000 },
    { frames: [['post', 'node:inspector']], us: 500 },
    { frames: [['(garbage collector)', '']], us: 10 },
    { frames: [['processTicksAndRejections', 'node:internal/process/task_queues']], us: 30 },
  );
  expect(sharesOf(all)).toEqual([
    { part: NODE_ITSELF, share: 0.75, writing: 0 },
    { part: 'garbage collection', share: 0.25, writing: 0 },
  ]);
});

it('counts no time where the clock stepped back, and has nothing to say of a profile without work', () => {
  const back = profile({ frames: [['take', INTAKE]], us: -50 }, { frames: [['hmacSha256', SIGNING]], us: 10 });
  expect(sharesOf(back)).toHaveLength(1);
  expect(sharesOf(profile({ frames: [['(idle)', '']], us: 10 }))).toEqual([]);
});

it('renders a line a part, with what it spends in writing to sockets', () => {
  const text = renderShares([
    { part: 'claim', share: 0.125, writing: 0.1 },
    { part: 'metrics', share: 0.01, writing: 0 },
  ]);
  expect(text).toBe(' 12.5 %  claim (of it 10.0 % writing to sockets)\n  1.0 %  metrics');
});
