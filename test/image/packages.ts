import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFile } from '../../src/package.ts';
import { output } from './podman.ts';

export type Package = { name: string; version: string; license?: unknown };

/** Every package below a folder, however deep. */
export function packagesBelow(folder: string): Package[] {
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) return [];
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(modules, name)).map((inner) => join(name, inner)) : [name],
    )
    .flatMap((name) => [packageIn(join(modules, name)), ...packagesBelow(join(modules, name))]);
}

/** What this package needs to run, as it is installed here. */
export async function productionPackages(): Promise<Package[]> {
  const list = ['--prefix', packageFile('.'), 'ls', '--omit=dev', '--all', '--parseable'];
  const [, ...folders] = (await output('npm', list)).split('\n');
  return folders.map(packageIn);
}

const packageIn = (folder: string) =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Package;

export const named = (packages: readonly Package[]): string[] =>
  packages.map(({ name, version }) => `${name}@${version}`).toSorted();
