import type { SecretBox } from '@tickwire/credentials';
import type { AgentEntry } from '@tickwire/directory';
import { TickSecrets } from './tick-secrets.js';

const ENDS_MS = 1_000;

/** Opens `sealed:<agent>:<secret>` for that agent, and counts. */
class CountingBox {
  opened = 0;

  open(sealed: string, [agentId]: readonly string[]): string {
    this.opened += 1;
    const [, owner, secret] = sealed.split(':');
    if (owner !== agentId) throw new Error('sealed for another');
    return secret!;
  }
}

function open() {
  const box = new CountingBox();
  return { box, secrets: new TickSecrets(box as unknown as SecretBox) };
}

function agent(more: Partial<AgentEntry> = {}): AgentEntry {
  return {
    id: 'agt_1',
    sealedWebhookSecret: 'sealed:agt_1:now',
    sealedPreviousSecret: null,
    previousSecretUntil: null,
    ...more,
  } as AgentEntry;
}
const rotating = { sealedPreviousSecret: 'sealed:agt_1:before', previousSecretUntil: new Date(ENDS_MS) };

describe('the secrets of callbacks', () => {
  it('are opened once, also when the directory reads the agent again', () => {
    const { box, secrets } = open();
    const entry = agent();
    for (const given of [entry, entry, agent()]) expect(secrets.of(given, 0)).toEqual({ current: 'now' });
    expect(box.opened).toBe(1);
  });

  it('are both there until the end of a rotation, of one and the same entry', () => {
    const { secrets } = open();
    const entry = agent(rotating);
    expect(secrets.of(entry, 0)).toEqual({ current: 'now', previous: 'before' });
    expect(secrets.of(entry, ENDS_MS - 1)).toEqual({ current: 'now', previous: 'before' });
    expect(secrets.of(entry, ENDS_MS)).toEqual({ current: 'now' });
  });

  it('follow a change of the agent', () => {
    const { secrets } = open();
    expect(secrets.of(agent(), 0)).toEqual({ current: 'now' });
    expect(secrets.of(agent({ sealedWebhookSecret: 'sealed:agt_1:next', ...rotating }), 0)).toEqual({
      current: 'next',
      previous: 'before',
    });
    expect(secrets.of(agent({ sealedWebhookSecret: null }), 0)).toEqual({});
  });

  it('are refused again and again where they cannot be opened, also when another agent could', () => {
    const { secrets } = open();
    expect(secrets.of(agent(), 0)).toEqual({ current: 'now' });
    const thief = agent({ id: 'agt_2' });
    expect(() => secrets.of(thief, 0)).toThrow('another');
    expect(() => secrets.of(thief, 0)).toThrow('another');
  });
});
