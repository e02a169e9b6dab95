import { loadConfig } from '@tickwire/config';
import { TickDispatcherConfig } from './tick-dispatcher.config.js';

const required = { DATABASE_URL: 'postgresql://u@h/d', SECRETS_KEYS: 'k1:secret' };

describe('the configuration', () => {
  it('reaches public https receivers only, with five seconds an attempt, unless told otherwise', () => {
    expect(loadConfig(TickDispatcherConfig, required)).toMatchObject({
      CALLBACK_ALLOW_CIDRS: [],
      CALLBACK_ALLOW_HTTP: false,
      CALLBACK_PORTS: '',
      CALLBACK_TIMEOUT_MS: 5_000,
    });
    expect(
      loadConfig(TickDispatcherConfig, { ...required, CALLBACK_ALLOW_CIDRS: '127.0.0.0/8, ::1' }).CALLBACK_ALLOW_CIDRS,
    ).toEqual(['127.0.0.0/8', '::1']);
  });

  it('does not print the keys', () => {
    expect(JSON.stringify(loadConfig(TickDispatcherConfig, required))).not.toContain('secret');
  });
});
