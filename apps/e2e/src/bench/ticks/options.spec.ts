import { readTicksOptions } from './options.js';

it('measures every part on the embedded log by default', () => {
  expect(readTicksOptions([])).toMatchObject({
    logs: ['postgres'],
    parts: ['cpu', 'latency', 'hanging', 'isolation', 'ten-thousand'],
    agents: [100, 1_000, 10_000],
    latencyAgents: [100, 500, 1_000],
    isolationAgents: 200,
    manyAgents: 10_000,
    tickMs: 1_000,
    answers: 'none',
  });
});

it('reads every option', () => {
  const args =
    '--log both --parts hanging,cpu --agents 5,6 --latency-agents 7 --hanging-agents 50 --isolation-agents 20 --many-agents 8 ' +
    '--callbacks 9 --rounds 2 --seconds 3 --tick-ms 250 --origins 2 --connections 16 --answers buy --profile p --data-dir d';
  expect(readTicksOptions(args.split(' '))).toEqual({
    logs: ['kafka', 'postgres'],
    parts: ['cpu', 'hanging'],
    agents: [5, 6],
    latencyAgents: [7],
    hangingAgents: 50,
    isolationAgents: 20,
    manyAgents: 8,
    callbacks: 9,
    rounds: 2,
    seconds: 3,
    tickMs: 250,
    origins: 2,
    connections: 16,
    answers: 'buy',
    profile: 'p',
    dataDir: 'd',
  });
});

it('gives nothing when help is asked for', () => {
  expect(readTicksOptions(['--help'])).toBeUndefined();
});

it.each([
  ['--log redis', /--log/],
  ['--parts cpu,memory', /--parts.*memory/],
  ['--agents 100,many', /--agents.*many/],
  ['--isolation-agents 12', /--isolation-agents/],
  ['--answers sell', /--answers/],
  ['--tick-ms 1', /--tick-ms/],
  ['--ticks 5', /--ticks/],
])('refuses %s and names the option', (args, message) => {
  expect(() => readTicksOptions(args.split(' '))).toThrow(message);
});
