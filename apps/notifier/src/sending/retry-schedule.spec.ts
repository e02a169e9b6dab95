import { ConfigError } from '@tickwire/config';
import { NotifierConfig } from '../notifier.config.js';
import { parseSchedule, retryPauseMs } from './retry-schedule.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('the retry schedule', () => {
  it('is by default that of Standard Webhooks: ten attempts over four days', () => {
    const schedule = parseSchedule(new NotifierConfig().RETRY_SCHEDULE_MS);
    expect(schedule).toEqual([
      0,
      5_000,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
    ]);
  });

  it('varies each pause by 20 % either way, and ends', () => {
    const schedule = [0, 1_000];
    expect([0, 0.5, 1].map((random) => retryPauseMs(schedule, 1, undefined, random))).toEqual([800, 1_000, 1_200]);
    expect(retryPauseMs(schedule, 2, undefined, 0.5)).toBeUndefined();
  });

  it('waits longer where the receiver asks for it, never shorter, and not beyond the last attempt', () => {
    expect(retryPauseMs([0, 1_000], 1, 5_000, 0.5)).toBe(5_000);
    expect(retryPauseMs([0, 1_000], 1, 10, 0.5)).toBe(1_000);
    expect(retryPauseMs([0, 1_000], 2, 5_000, 0.5)).toBeUndefined();
  });

  it.each([[['5']], [['0', 'x']], [[]]])('refuses %p', (entries) => {
    expect(() => parseSchedule(entries)).toThrow(ConfigError);
  });
});
