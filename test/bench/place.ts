import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { dirname, extname, join } from 'node:path';

/** The folder of package.json: this file may run as it is, or compiled into another folder. */
export const root = rootAbove(import.meta.dirname);

function rootAbove(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : rootAbove(dirname(folder));
}

/** `.js` for a compiled benchmark, which measures the build; `.ts` under a loader, which measures the source. */
const extension = extname(import.meta.filename);

/** Arguments for node to run a contender's server. */
export const contenderProgram = (name: string): string[] => [
  ...process.execArgv,
  join(import.meta.dirname, 'contenders', `${name}${extension}`),
];

/** Arguments for node to run the proxy. */
export const ourProgram = (): string[] => [
  ...process.execArgv,
  join(root, extension === '.ts' ? 'bin/trenchcoat.ts' : 'dist/bin/trenchcoat.js'),
];

export const loadScript = join(root, 'test/bench/load.lua');

/** Writes a file of contenders/ into `folder`, each `{{name}}` replaced, and gives its path. */
export function fillIn(
  name: string,
  folder: string,
  values: Readonly<Record<string, string | number>>,
): string {
  const template = readFileSync(join(root, 'test/bench/contenders', name), 'utf8');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(
    path,
    template.replaceAll(/\{\{(\w+)\}\}/g, (_match, key: string) => String(values[key] ?? '')),
  );
  return path;
}

/** A port that is free now, for a program that cannot choose one itself. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const port = portOf(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export function portOf(server: net.Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Waits until `condition` gives a value; fails with what `explain` says after `within` milliseconds. */
export async function until<T>(
  condition: () => T | undefined | Promise<T | undefined>,
  explain: () => string,
  within = 30_000,
): Promise<T> {
  const deadline = performance.now() + within;
  for (;;) {
    const value = await condition();
    if (value !== undefined) return value;
    if (performance.now() > deadline) throw new Error(explain());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
