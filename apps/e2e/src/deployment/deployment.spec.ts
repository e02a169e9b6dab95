import { describeConfig, loadConfig } from '@tickwire/config';
import { existsSync } from 'node:fs';
import { settingsProblems, type DeployedProcess } from './compare-settings.js';
import { composeProcesses, composeVariables, readCompose, readEnvExample } from './read-compose.js';
import { manifestProcesses, readManifests, secretKeys } from './read-manifests.js';
import { CONFIG_CLASSES, ROOT, runnableApps } from './runnable-apps.js';

const APPS = runnableApps();
const compose = readCompose();
const manifests = readManifests();

/** What stands in for a value that comes from `.env` or a Secret. */
const SAMPLES: Record<string, string> = {
  DATABASE_URL: 'postgresql://tickwire:secret@postgres:5432/tickwire',
  REDIS_URL: 'redis://:secret@redis:6379',
  API_PUBLIC_URL: 'http://127.0.0.1:3001',
  ADMIN_TOKEN: 'tw_admin_0123456789abcdef01234567',
  API_KEY_PEPPER: '0'.repeat(64),
  STATUS_TOKEN_KEY: '1'.repeat(64),
  SECRETS_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
  LOG_LEVEL: 'info',
  CALLBACK_ALLOW_CIDRS: '',
  CALLBACK_ALLOW_HTTP: 'false',
};

const PLACES: [string, DeployedProcess[]][] = [
  ['docker-compose.yml', composeProcesses(compose)],
  ['k8s/base', manifestProcesses(manifests)],
];

it('knows the config class of every app that has a process of its own', () => {
  expect(Object.keys(CONFIG_CLASSES).sort()).toEqual(APPS);
});

describe.each(PLACES)('%s', (_place, processes) => {
  it('runs every app, and nothing that is no app', () => {
    expect([...new Set(processes.map(({ app }) => app))].sort()).toEqual(APPS);
  });

  it('runs both roles of execution, apart', () => {
    const roles = processes.filter(({ app }) => app === 'execution').map(({ set }) => set.get('ROLE'));
    expect(roles.sort()).toEqual(['accounts', 'worlds']);
  });

  it.each(processes)('$name: sets or lists each variable of its app, and no other', (deployed) => {
    expect(settingsProblems(deployed, describeConfig(CONFIG_CLASSES[deployed.app]!))).toEqual([]);
  });

  it.each(processes)('$name: has values that its app accepts', ({ app, set }) => {
    const env = Object.fromEntries([...set].map(([name, value]) => [name, value ?? SAMPLES[name]]));
    expect(() => loadConfig(CONFIG_CLASSES[app]!, env)).not.toThrow();
  });
});

describe('the comparison', () => {
  const fields = [
    { name: 'PORT', type: 'number' as const, required: false, default: 3_000, secret: false },
    { name: 'TOKEN', type: 'string' as const, required: true, secret: true },
  ];
  const problemsOf = (set: Record<string, string | undefined>, leftAtDefault: string[]): string[] =>
    settingsProblems({ name: 'p', app: 'a', set: new Map(Object.entries(set)), leftAtDefault }, fields);

  it.each<[string, Record<string, string | undefined>, string[], string[]]>([
    ['agrees', { TOKEN: undefined, NODE_OPTIONS: '-x' }, ['PORT'], []],
    ['a variable is missing', { TOKEN: undefined }, [], ['p: PORT is neither set nor listed as left at its default']],
    ['a variable is misspelt', { TOKEN: undefined, PROT: '1' }, ['PORT'], ['p: PROT is not a variable of the app']],
    [
      'a listed one is unknown',
      { TOKEN: undefined },
      ['PORT', 'OLD'],
      ['p: OLD is listed as left at its default, but the app does not have it'],
    ],
    [
      'it is set and listed',
      { TOKEN: undefined, PORT: '1' },
      ['PORT'],
      ['p: PORT is set and listed as left at its default'],
    ],
    ['it has no default', {}, ['PORT', 'TOKEN'], ['p: TOKEN has no default']],
    ['a secret is written out', { TOKEN: 'x', PORT: '1' }, [], ['p: TOKEN is a secret, and its value is in the file']],
  ])('%s', (_case, set, listed, problems) => expect(problemsOf(set, listed)).toEqual(problems));
});

describe('docker-compose.yml in itself', () => {
  it('publishes ports on loopback only, and never the management port', () => {
    const ports = Object.values(compose.services).flatMap((service) => service.ports ?? []);
    expect(ports.length).toBeGreaterThan(0);
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:(?!9464$)\d+$/);
  });

  it('publishes the ports that ingress and api listen on', () => {
    const published = (name: string): string | undefined => compose.services[name]?.ports?.[0]?.split(':')[2];
    expect(published('ingress')).toBe(defaultOf('ingress', 'PORT'));
    expect(published('api')).toBe(defaultOf('api', 'API_PORT'));
  });

  it('asks every app for its readiness, on the management port', () => {
    for (const { name } of composeProcesses(compose)) {
      const { healthcheck } = compose.services[name.replace('compose ', '')]!;
      expect(healthcheck?.test?.join(' ')).toContain(`http://127.0.0.1:${defaultOf('api', 'MANAGEMENT_PORT')}/readyz`);
    }
  });

  it('takes from .env what .env.example explains, and nothing is explained in vain', () => {
    const explained = readEnvExample();
    const used = composeVariables();
    expect([...explained.keys()].sort()).toEqual([...used.keys()].sort());
    // What is required has to be filled in by whoever runs it: no example may be taken for a secret.
    for (const [name, { required }] of used) if (required) expect([name, explained.get(name)]).toEqual([name, '']);
  });
});

describe('k8s/base in itself', () => {
  const ofKind = (kind: string) => manifests.documents.filter((document) => document.kind === kind);
  const deployments = ofKind('Deployment');

  it('has a disruption budget for every Deployment, and selectors that fit the pods', () => {
    for (const { metadata, spec } of deployments) {
      const labels = { 'app.kubernetes.io/name': metadata.name };
      expect(spec?.selector?.matchLabels).toEqual(labels);
      expect(spec?.template?.metadata?.labels).toEqual(labels);
      const budget = ofKind('PodDisruptionBudget').find((each) => each.metadata.name === metadata.name);
      expect(budget?.spec?.selector?.matchLabels).toEqual(labels);
    }
  });

  it('fills each secret variable from the key of its own name, and the Job has what it needs', () => {
    const jobs = ofKind('Job');
    expect(jobs).toHaveLength(1);
    for (const { spec } of [...deployments, ...jobs]) {
      for (const [name, key] of secretKeys(spec!.template!.spec.containers[0]!)) expect(key).toBe(name);
    }
    expect([...secretKeys(jobs[0]!.spec!.template!.spec.containers[0]!).keys()]).toEqual(['DATABASE_URL']);
  });

  it('does not hold a Secret', () => {
    expect(ofKind('Secret')).toEqual([]);
  });

  it('opens the ports that the apps listen on by default', () => {
    const portOf = (name: string): number | undefined => {
      const container = deployments.find(({ metadata }) => metadata.name === name)?.spec?.template?.spec.containers[0];
      return container?.ports?.find((port) => port.name === 'http')?.containerPort;
    };
    expect(String(portOf('ingress'))).toBe(defaultOf('ingress', 'PORT'));
    expect(String(portOf('api'))).toBe(defaultOf('api', 'API_PORT'));
    const [shared] = manifests.everyDeployment.spec!.template!.spec.containers;
    expect(String(shared?.ports?.[0]?.containerPort)).toBe(defaultOf('api', 'MANAGEMENT_PORT'));
  });
});

it('runs migrations with the entry point that the sources have', () => {
  const command = ['node', 'libs/persistence/dist/migrations/main.js'];
  expect(compose.services['migrate']?.command).toEqual(command);
  const job = manifests.documents.find(({ kind }) => kind === 'Job');
  expect(job?.spec?.template?.spec.containers[0]?.command).toEqual(command);
  expect(existsSync(new URL('libs/persistence/src/migrations/main.ts', ROOT))).toBe(true);
});

function defaultOf(app: string, name: string): string {
  return String(describeConfig(CONFIG_CLASSES[app]!).find((field) => field.name === name)?.default);
}
