import { createHmac } from 'node:crypto';
import { derivedId, expandTick, marketTick, prepareTick, type AgentTick, type CarriedItem } from '@tickwire/contracts';
import type { AgentEntry } from '@tickwire/directory';
import { CarriedItems, keyOf } from '../carried/carried-items.js';
import { composeCallback, composeTest, type LaneTick, type TickCallback } from './tick-callback.js';

const NOW_MS = Date.UTC(2026, 10, 22, 8);
const at = new Date(NOW_MS).toISOString();
const { tick, closedAt, market, world, news } = marketTick.sample;
const shared = { tick, closedAt, market, world, news };
const prepared = prepareTick(shared);

const result = (id: string): CarriedItem & { list: 'actionResults' } => ({
  list: 'actionResults',
  item: { id, action: 'BUY', success: true },
});
const quiet: AgentTick = { agentId: 'agt_1', funds: [1, 0, 1, 1] };
const busy: AgentTick = { ...quiet, actionResults: [result('new').item] };

function laneTick(own: AgentTick = quiet, agent: Partial<AgentEntry> = {}): LaneTick {
  const entry = { id: 'agt_1', callbackUrl: 'http://agent.example/ticks', settings: {}, ...agent } as AgentEntry;
  return { worldId: 'wld_1', shard: 3, tick, prepared, own, agent: entry, causeId: 'cause', closedAtMs: NOW_MS };
}

function carriedItems(...items: CarriedItem[]): CarriedItems {
  const carried = new CarriedItems();
  carried.add(tick - 1, items);
  return carried;
}

const textOf = ({ body }: Pick<TickCallback, 'body'>): string => body.join('');
const hmac = (callback: Pick<TickCallback, 'body'>, secret: string) =>
  `sha256=${createHmac('sha256', secret).update(textOf(callback)).digest('hex')}`;

describe('a composed callback', () => {
  it('has the expanded tick for its body, and says which delivery of which agent it is', () => {
    const callback = composeCallback(laneTick(busy), new CarriedItems(), {}, NOW_MS);
    expect(textOf(callback)).toBe(JSON.stringify(expandTick(shared, busy, at)));
    expect([callback.url, callback.headers]).toEqual([
      'http://agent.example/ticks',
      {
        'Content-Type': 'application/json',
        'X-WallStreetSim-Tick': String(tick),
        'X-WallStreetSim-Agent': 'agt_1',
        'X-WallStreetSim-Delivery': derivedId(`wld_1/agt_1/${tick}`, 'delivery'),
      },
    ]);
  });

  it('is signed over its bytes with each secret that is live, and under other names with the current one', () => {
    const secrets = { current: 'whsec_ümlaut', previous: 'older' };
    const { body, headers } = composeCallback(
      laneTick(busy, { settings: { compatibilityHeaders: true } }),
      new CarriedItems(),
      secrets,
      NOW_MS,
    );
    const signature = hmac({ body }, secrets.current);
    expect(headers).toMatchObject({
      'X-WallStreetSim-Signature': signature,
      'X-Webhook-Signature': signature,
      'X-WSS-Signature': signature.slice('sha256='.length),
      'X-WallStreetSim-Signature-Previous': hmac({ body }, secrets.previous),
    });
  });

  it('names what a 2xx hands over: its own items and those it carries, none of them twice', () => {
    const carried = carriedItems(result('old'), result('new'));
    const { body, brought, left } = composeCallback(laneTick(busy), carried, {}, NOW_MS);
    const { actionResults } = JSON.parse(textOf({ body })) as { actionResults: { id: string }[] };
    expect(actionResults.map(({ id }) => id)).toEqual(['old', 'new']);
    expect([...brought].sort()).toEqual([keyOf(result('new')), keyOf(result('old'))]);
    expect(left).toEqual([]);
  });

  it('hands nothing over where there is nothing, and does not remember another agent for it', () => {
    const { brought } = composeCallback(laneTick(), carriedItems(result('old')), {}, NOW_MS);
    expect([...brought]).toEqual([keyOf(result('old'))]);
    expect([...composeCallback(laneTick(), new CarriedItems(), {}, NOW_MS).brought]).toEqual([]);
  });

  it('leaves for later what does not fit, its own last items and carried ones alike', () => {
    const content = 'x'.repeat(1_000);
    const messages = Array.from({ length: 100 }, (_, n) => ({
      id: `m${n}`,
      fromAgentId: 'a',
      toAgentId: 'agt_1',
      content,
      tick,
      createdAt: at,
    }));
    const carried = carriedItems(result('old'), ...messages.slice(0, 20).map(asCarried));
    const { body, brought, left } = composeCallback(laneTick({ ...quiet, messages }), carried, {}, NOW_MS);
    const parsed = JSON.parse(textOf({ body })) as Record<'messages' | 'actionResults', { id: string }[]>;
    const sent = parsed.messages.map(({ id }) => id);
    expect(sent).toEqual(messages.slice(0, sent.length).map(({ id }) => id));
    expect(left).toEqual(messages.slice(sent.length).map(asCarried));
    expect(left.length).toBeGreaterThan(0);
    expect([...brought].sort()).toEqual(
      [...sent.map((id) => `messages:${id}`), ...parsed.actionResults.map(({ id }) => `actionResults:${id}`)].sort(),
    );

    function asCarried(item: (typeof messages)[number]): CarriedItem {
      return { list: 'messages', item };
    }
  });
});

describe('a test callback', () => {
  it('has the body and the signature of a callback, another id and a mark', () => {
    const real = composeCallback(laneTick(busy), new CarriedItems(), { current: 's' }, NOW_MS);
    const { body, headers } = composeTest(laneTick(busy), 'ctl_1', { current: 's' }, NOW_MS);
    expect(textOf({ body })).toBe(textOf(real));
    expect(headers).toMatchObject({
      'X-WallStreetSim-Attempt': '1',
      'X-WallStreetSim-Test': 'true',
      'X-WallStreetSim-Signature': real.headers['X-WallStreetSim-Signature'],
    });
    expect(headers['X-WallStreetSim-Delivery']).not.toBe(real.headers['X-WallStreetSim-Delivery']);
  });
});
