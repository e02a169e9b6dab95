import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, { name?: string; resolved?: string; link?: boolean }>;
};
const projects = ['apps', 'libs'].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder))
    .map((name) => `${folder}/${name}`)
    .filter((project) => existsSync(path.join(ROOT, project, 'package.json'))),
);

// A fresh clone is installed by `npm ci`, which refuses a lock file that does not know a workspace.
describe('the lock file', () => {
  it.each(projects)('knows %s', (project) => {
    const { name } = JSON.parse(readFileSync(path.join(ROOT, project, 'package.json'), 'utf8')) as { name: string };
    expect(lock.packages[project]?.name).toBe(name);
    expect(lock.packages[`node_modules/${name}`]).toMatchObject({ resolved: project, link: true });
  });

  it('knows no project that is gone', () => {
    const known = Object.keys(lock.packages).filter((key) => /^(apps|libs)\//.test(key));
    expect(known.sort()).toEqual([...projects].sort());
  });
});
