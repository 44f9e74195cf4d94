import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageFile } from '../../src/package.ts';
import { output } from './podman.ts';

/**
 * What the program consists of beside itself, as CycloneDX. Of a copy that knows no development: `npm sbom --omit dev`
 * leaves out whatever is a development dependency of anybody (npm 11; zod and yaml were missing).
 */
export async function billOfMaterials(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-sbom-'));
  // npm calls what it looks at by its folder.
  const copy = join(folder, 'trenchcoat');
  try {
    mkdirSync(copy);
    copyFileSync(packageFile('package-lock.json'), join(copy, 'package-lock.json'));
    const { devDependencies: _, ...manifest } = JSON.parse(
      readFileSync(packageFile('package.json'), 'utf8'),
    ) as Record<string, unknown>;
    writeFileSync(join(copy, 'package.json'), JSON.stringify(manifest));
    const npm = (...args: string[]) => output('npm', ['--prefix', copy, ...args, '--package-lock-only']);
    await npm('prune', '--offline', '--ignore-scripts');
    return await npm('sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
