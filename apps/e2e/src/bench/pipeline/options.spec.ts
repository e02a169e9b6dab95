import { readPipelineOptions } from './options.js';

it('runs both logs by default, Kafka last, at 500 and 1,000 signals a second, and looks for the maximum', () => {
  expect(readPipelineOptions([])).toMatchObject({
    logs: ['postgres', 'kafka'],
    rates: [500, 1_000],
    seconds: 24,
    max: true,
    bareOnly: false,
  });
});

it('reads every option', () => {
  const args =
    '--log kafka --rates 200,300 --seconds 5 --settle 7 --warm-up 1 --rounds 1 --accounts 8 --connections 9 --bare-only --no-max --data-dir d';
  expect(readPipelineOptions(args.split(' '))).toEqual({
    logs: ['kafka'],
    rates: [200, 300],
    seconds: 5,
    settleSeconds: 7,
    warmUpSeconds: 1,
    rounds: 1,
    accounts: 8,
    connections: 9,
    bareOnly: true,
    max: false,
    dataDir: 'd',
  });
});

it('gives nothing when help is asked for', () => {
  expect(readPipelineOptions(['--help'])).toBeUndefined();
});

it.each([
  ['--log redis', /--log/],
  ['--rates 500,many', /--rates/],
  ['--seconds 0', /--seconds/],
  ['--rounds 1.5', /--rounds/],
  ['--unknown', /--unknown/],
])('refuses %s and names the option', (args, message) => {
  expect(() => readPipelineOptions(args.split(' '))).toThrow(message);
});
