import { consequence } from './consequence.js';
import type { Finding, Pattern, Subject } from './finding.js';

const NOW_MS = 1_795_000_000_000;

function finding(pattern: Pattern, kind: Subject['kind']): Finding {
  return { pattern, subject: { kind, tenantId: 't', id: 'x' }, evidence: {}, startedAtMs: NOW_MS } as Finding;
}

describe('consequence', () => {
  it('does nothing besides telling where the tenant wants a flag', () => {
    expect(consequence('flag', finding('replay_storm', 'tenant'), NOW_MS)).toEqual({});
  });

  it('leaves a throttled subject a tenth of its limits, for a quarter of an hour', () => {
    const throttled = { throttleFactor: 0.1, throttledUntilMs: NOW_MS + 900_000 };
    expect(consequence('throttle', finding('replay_storm', 'tenant'), NOW_MS)).toEqual(throttled);
    expect(consequence('throttle', finding('signature_failure_storm', 'source'), NOW_MS)).toEqual(throttled);
  });

  it('shuts a quarantined subject out for an hour, or for as long as is set', () => {
    const subject = finding('wrong_clock', 'bot');
    expect(consequence('quarantine', subject, NOW_MS)).toEqual({ quarantinedUntilMs: NOW_MS + 3_600_000 });
    const settings = { throttleFactor: 0.5, throttleMs: 1, quarantineMs: 2 };
    expect(consequence('quarantine', subject, NOW_MS, settings)).toEqual({ quarantinedUntilMs: NOW_MS + 2 });
  });

  it.each(['tenant', 'bot'] as const)('lets nobody shut out a %s by sending bad signatures in its name', (kind) => {
    for (const policy of ['throttle', 'quarantine'] as const) {
      expect(consequence(policy, finding('signature_failure_storm', kind), NOW_MS)).toEqual({});
    }
  });
});
