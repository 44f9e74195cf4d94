import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { packageFile } from '../../src/package.ts';

/** Where other proxies for Node are kept: `PEERS_PATH`, else a cache of this user's. */
const folder = process.env['PEERS_PATH'] ?? join(homedir(), '.cache/trenchcoat/peers');

const source = packageFile('test/bench/peers');

const lockIn = (folder: string) => {
  const path = join(folder, 'package-lock.json');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
};

/** Whether those that are to be compared with are there, at the versions that are meant. */
export const hasPeers = (): boolean =>
  existsSync(join(folder, 'node_modules/.package-lock.json')) && lockIn(folder) === lockIn(source);

/** Installs them where they are missing, without running anything of theirs. Throws when npm does. */
export function preparePeers(): void {
  const there = hasPeers();
  mkdirSync(folder, { recursive: true });
  cpSync(source, folder, { recursive: true });
  if (there) return;
  console.log(`installing other proxies into ${folder}`);
  execFileSync('npm', ['ci', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** A peer's server: it is run from where its packages are. */
export const peerProgram = (name: string) => join(folder, `${name}.mjs`);
