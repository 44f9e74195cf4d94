import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { packageFile } from '../../src/package.ts';
import type { Program } from './programs.ts';

/** A contender's server, compiled. */
export const contenderProgram = (name: string) => join(import.meta.dirname, 'contenders', `${name}.js`);

/** A client, compiled. */
export const clientProgram = (name: string) => join(import.meta.dirname, 'clients', `${name}-child.js`);

/** The proxy, compiled with this file or in another checkout. */
export const ourProgram = (checkout?: string) =>
  checkout === undefined
    ? join(import.meta.dirname, '../../bin/trenchcoat.js')
    : join(checkout, 'artifacts/suite/bin/trenchcoat.js');

export const loadScript = packageFile('test/bench/load.lua');

/** Writes a file of contenders/ into `folder`, each `{{name}}` replaced, and gives its path. */
export function fillIn(
  name: string,
  folder: string,
  values: Readonly<Record<string, string | number>>,
): string {
  const template = readFileSync(packageFile(join('test/bench/contenders', name)), 'utf8');
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

/** Waits until somebody accepts connections there. */
export const listening = (program: Pick<Program, 'output'>, port: number) =>
  until(
    () =>
      new Promise<true | undefined>((resolve) => {
        const socket = net.connect(port, '127.0.0.1');
        socket.once('connect', () => resolve(true)).once('error', () => resolve(undefined));
        socket.once('connect', () => socket.destroy());
      }),
    () => `nobody listens: ${program.output()}`,
  );

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
