import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Test } from 'tap';

const program = join(import.meta.dirname, '../../bin/trenchcoat.js');

const script = process.platform === 'linux' && spawnSync('script', ['--version']).status === 0;

/** A terminal is made by util-linux; in CI it has to be there. */
export const skipWithoutTerminal =
  script || process.env['CI'] === 'true' ? false : 'no util-linux `script` on this machine';

type Options = { columns?: number; env?: Readonly<Record<string, string>> };

/** Starts `trenchcoat …` on a terminal of its own. `seen.text` is what the terminal was sent. */
export function onTerminal(
  t: Pick<Test, 'teardown'>,
  args: readonly string[],
  { columns = 100, env = {} }: Options = {},
) {
  const words = [process.execPath, program, ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty cols ${columns} && exec ${words}`;
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { PATH: process.env['PATH'], ...env },
  });
  const seen = { text: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (seen.text += text));
  t.teardown(() => child.kill('SIGKILL'));
  return { child, seen, ended: once(child, 'close') };
}
