import { loadConfig } from '@tickwire/config';
import { NotifierConfig } from './notifier.config.js';

const REQUIRED = { DATABASE_URL: 'postgresql://x', SECRETS_KEYS: 'k1:AAAA' };

describe('NotifierConfig', () => {
  it('reads lists, numbers and flags, and allows nothing inside the network by default', () => {
    const config = loadConfig(NotifierConfig, {
      ...REQUIRED,
      RETRY_SCHEDULE_MS: '0, 10,20',
      CALLBACK_TIMEOUT_MS: '2000',
    });
    expect(config).toMatchObject({
      RETRY_SCHEDULE_MS: ['0', '10', '20'],
      CALLBACK_TIMEOUT_MS: 2_000,
      CALLBACK_ALLOW_HTTP: false,
    });
    expect(config.CALLBACK_ALLOW_CIDRS).toBeUndefined();
  });

  it.each([{ RETRY_SCHEDULE_MS: '0,soon' }, { CALLBACK_TIMEOUT_MS: '1' }, { SECRETS_KEYS: '' }])(
    'stops the start at %p',
    (wrong) => {
      expect(() => loadConfig(NotifierConfig, { ...REQUIRED, ...wrong })).toThrow(Object.keys(wrong)[0]);
    },
  );

  it('does not print the sealing keys', () => {
    expect(JSON.stringify(loadConfig(NotifierConfig, REQUIRED))).not.toContain('AAAA');
  });
});
