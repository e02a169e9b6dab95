import { readFileSync } from 'node:fs';
import yaml from 'yaml';
import { appOfCommand, type DeployedProcess } from './compare-settings.js';
import { ROOT } from './runnable-apps.js';

interface EnvVariable {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef?: { name: string; key: string } };
}

export interface Container {
  image: string;
  command?: string[];
  env?: EnvVariable[];
  envFrom?: { configMapRef?: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
}

export interface Manifest {
  kind: string;
  metadata: { name: string; labels?: Record<string, string>; annotations?: Record<string, string> };
  // Read where a spec of a known kind is looked into.
  spec?: {
    replicas?: number;
    selector?: { matchLabels?: Record<string, string> };
    template?: { metadata?: { labels?: Record<string, string> }; spec: { containers: Container[] } };
  };
}

interface Kustomization {
  resources: string[];
  patches: { path: string }[];
  configMapGenerator: { name: string; literals: string[] }[];
}

export interface Manifests {
  /** All documents of all files that the kustomization names. */
  documents: Manifest[];
  kustomization: Kustomization;
  /** The patch that every Deployment gets. */
  everyDeployment: Manifest;
}

const BASE = new URL('k8s/base/', ROOT);
const LEFT_AT_DEFAULT = 'tickwire/left-at-default';

export function readManifests(): Manifests {
  const kustomization = parseAll<Kustomization>('kustomization.yaml')[0]!;
  return {
    kustomization,
    documents: kustomization.resources.flatMap((file) => parseAll<Manifest>(file)),
    everyDeployment: parseAll<Manifest>(kustomization.patches[0]!.path)[0]!,
  };
}

/** The processes of our apps: one for each Deployment. */
export function manifestProcesses({ documents, kustomization }: Manifests): DeployedProcess[] {
  return documents
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ metadata, spec }) => {
      const [container] = spec!.template!.spec.containers;
      return {
        name: `Deployment ${metadata.name}`,
        app: appOfCommand(container!.command) ?? '?',
        set: new Map([
          ...fromConfigMaps(container!, kustomization),
          ...(container!.env ?? []).map(({ name, value }) => [name, value] as const),
        ]),
        leftAtDefault: (metadata.annotations?.[LEFT_AT_DEFAULT] ?? '').split(/\s+/).filter((name) => name !== ''),
      };
    });
}

/** Keys of the Secret that a container is given, by the variable that they fill. */
export function secretKeys(container: Container): Map<string, string> {
  return new Map(
    (container.env ?? []).flatMap(({ name, valueFrom }) => {
      const key = valueFrom?.secretKeyRef?.key;
      return key === undefined ? [] : [[name, key] as const];
    }),
  );
}

function fromConfigMaps({ envFrom }: Container, { configMapGenerator }: Kustomization): [string, string][] {
  return (envFrom ?? []).flatMap(({ configMapRef }) => {
    const map = configMapGenerator.find(({ name }) => name === configMapRef?.name);
    if (map === undefined) throw new Error(`There is no ConfigMap ${configMapRef?.name ?? '(none named)'}`);
    return map.literals.map((text): [string, string] => {
      const [, name, value] = /^([^=]+)=(.*)$/.exec(text)!;
      return [name!, value!];
    });
  });
}

function parseAll<T>(file: string): T[] {
  const documents = yaml.parseAllDocuments(readFileSync(new URL(file, BASE), 'utf8'));
  return documents.map((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${file}: ${error.message}`);
    return document.toJSON() as T;
  });
}
