import { readIngressOptions } from './options.js';

it('runs both logs by default, Kafka last, in turns with the bare route', () => {
  expect(readIngressOptions([])).toMatchObject({ logs: ['postgres', 'kafka'], seconds: 24, rounds: 3 });
});

it('reads every option', () => {
  const args =
    '--log kafka --seconds 5 --warm-up 1 --rounds 2 --accounts 8 --connections 9 --profile p.cpuprofile --data-dir d';
  expect(readIngressOptions(args.split(' '))).toEqual({
    logs: ['kafka'],
    seconds: 5,
    warmUpSeconds: 1,
    rounds: 2,
    accounts: 8,
    connections: 9,
    profile: 'p.cpuprofile',
    dataDir: 'd',
  });
});

it('gives nothing when help is asked for', () => {
  expect(readIngressOptions(['-h'])).toBeUndefined();
});

it.each([
  ['--log redis', /--log/],
  ['--seconds 2 --rounds 3', /--seconds/],
  ['--seconds 400', /--seconds/],
  ['--warm-up 0', /--warm-up/],
  ['--rates 500', /--rates/],
])('refuses %s and names the option', (args, message) => {
  expect(() => readIngressOptions(args.split(' '))).toThrow(message);
});
