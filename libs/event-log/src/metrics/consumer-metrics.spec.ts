import { Registry } from 'prom-client';
import type { ConsumerProgress } from '../port.js';
import { watchConsumers } from './consumer-metrics.js';

/** A log whose consumers stand as the test says. */
class StandingLog {
  standing: ConsumerProgress[] = [];
  consumers = (): readonly ConsumerProgress[] => this.standing;
}

describe('the metrics of consumers', () => {
  let registry: Registry;
  beforeEach(() => (registry = new Registry()));

  const logWith = (group: string, ...lags: (number | 'stopped')[]): StandingLog => {
    const log = new StandingLog();
    const partitions = lags.map((lag, partition) => ({
      topic: 't',
      partition,
      lag: lag === 'stopped' ? 9 : lag,
      isStopped: lag === 'stopped',
    }));
    log.standing = [{ group, partitions, expired: new Map() }];
    return log;
  };
  const valuesOf = async (name: string): Promise<[string, number][]> => {
    const { values } = await registry.getSingleMetric(name)!.get();
    return values.map(({ labels, value }) => [Object.values(labels).join('/'), value]);
  };

  it('tell the lag of each owned partition and how many are stopped, of every log of the process', async () => {
    watchConsumers(registry, logWith('g', 0, 5));
    watchConsumers(registry, logWith('h', 'stopped', 2, 'stopped'));
    expect(await valuesOf('tickwire_consumer_lag_records')).toEqual([
      ['g/t/0', 0],
      ['g/t/1', 5],
      ['h/t/0', 9],
      ['h/t/1', 2],
      ['h/t/2', 9],
    ]);
    // Zero is said too: an alert on what is absent would fire for ever, or never.
    expect(await valuesOf('tickwire_consumer_stopped_partitions')).toEqual([
      ['g/t', 0],
      ['h/t', 2],
    ]);
  });

  it('forget a partition that another process owns by now', async () => {
    const log = logWith('g', 1, 1);
    watchConsumers(registry, log);
    await registry.metrics();
    log.standing = logWith('g', 1).standing;
    expect(await valuesOf('tickwire_consumer_lag_records')).toEqual([['g/t/0', 1]]);
  });

  it('count what expired over all members that the group has had here', async () => {
    const log = logWith('g');
    log.standing = [3, 4].map((count) => ({ group: 'g', partitions: [], expired: new Map([['t', count]]) }));
    watchConsumers(registry, log);
    await registry.metrics();
    expect(await valuesOf('tickwire_consumer_expired_records_total')).toEqual([['g/t', 7]]);
  });

  it('say each value once for a log that is watched twice, and leave with the last log', async () => {
    const [log, other] = [logWith('g', 1), logWith('h', 2)];
    const ends = [watchConsumers(registry, log), watchConsumers(registry, log), watchConsumers(registry, other)];
    expect(await valuesOf('tickwire_consumer_stopped_partitions')).toEqual([
      ['g/t', 0],
      ['h/t', 0],
    ]);
    ends[0]!();
    expect(await valuesOf('tickwire_consumer_lag_records')).toEqual([['h/t/0', 2]]);
    ends[2]!();
    expect(await registry.metrics()).not.toContain('tickwire_consumer');
    watchConsumers(registry, log);
    ends[1]!(); // of the earlier watch, which is over
    expect(await valuesOf('tickwire_consumer_lag_records')).toEqual([['g/t/0', 1]]);
  });
});
