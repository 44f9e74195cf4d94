import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { main } from '../../src/cli/program.ts';
import { until } from './client.ts';
import { spawnNode } from './plain-node.ts';

/** The program as it was compiled with this file. */
const program = join(import.meta.dirname, '../../bin/trenchcoat.js');

export type Ended = { code: number | null; signal: string | null; stdout: string; stderr: string };
export type Command = {
  child: ChildProcess;
  output: { stdout: string; stderr: string };
  ended: Promise<Ended>;
};

/**
 * `stdout`: a descriptor that the program writes to, in place of a pipe that is read here. `load` is a module that Node loads
 * before the program.
 */
type Options = {
  cwd?: string;
  env?: Readonly<Record<string, string>>;
  stdout?: number;
  load?: string;
  descriptors?: number;
};

/** Starts `trenchcoat …` as a process of its own. */
export function start(t: Pick<Test, 'teardown'>, args: readonly string[], options: Options = {}): Command {
  const loaded = options.load === undefined ? [] : ['--import', options.load];
  const { descriptors: most } = options;
  const child = spawnNode(
    [...loaded, program, ...args],
    {
      cwd: options.cwd,
      env: { PATH: process.env['PATH'], ...options.env },
      stdio: ['ignore', options.stdout ?? 'pipe', 'pipe'],
    },
    most === undefined ? [] : ['prlimit', `--nofile=${most}:${most}`],
  );
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  const ended = once(child, 'close').then(([code, signal]): Ended => ({
    code: code as number | null,
    signal: signal as string | null,
    ...output,
  }));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, output, ended };
}

/** Runs `trenchcoat …` in this process, which takes a tenth of the time. Not for what listens or minds signals. */
export async function runHere(
  t: Pick<Test, 'capture'>,
  args: readonly string[],
): Promise<Pick<Ended, 'code' | 'stdout' | 'stderr'>> {
  const stdout = t.capture(process.stdout, 'write', () => true);
  const stderr = t.capture(process.stderr, 'write', () => true);
  const code = await main([process.execPath, program, ...args]);
  stdout.restore();
  stderr.restore();
  return { code, stdout: textOf(stdout()), stderr: textOf(stderr()) };
}

const textOf = (calls: readonly { args: unknown[] }[]) => calls.map(({ args }) => String(args[0])).join('');

/** Runs `trenchcoat …` to its end. */
export const run = (
  t: Pick<Test, 'teardown'>,
  args: readonly string[],
  options: Options = {},
): Promise<Ended> => start(t, args, options).ended;

/** Starts `trenchcoat run` and waits until it serves. */
export async function startRun(
  t: Pick<Test, 'teardown'>,
  config: string,
  options: Options = {},
): Promise<Command & { port: number; adminPort: number }> {
  const command = start(t, ['run', '-c', config], options);
  const line = await until(
    () => command.output.stdout.split('\n').find((text) => text.includes('"msg":"ready"')),
    `ready; it said: ${command.output.stderr}`,
    15_000,
  ).catch((error: unknown) => {
    throw new Error(`${String(error)} ${command.output.stdout} ${command.output.stderr}`);
  });
  const ready = JSON.parse(line) as { listen: { port: number }; admin?: { port: number } };
  return { ...command, port: ready.listen.port, adminPort: ready.admin?.port ?? 0 };
}

/** The most memory the process has had resident, in MB; Linux alone tells. */
export const peakMegabytes = (pid: number | undefined): number => megabytes(pid, 'VmHWM');

/** The memory that the process has resident now, in MB; Linux alone tells. */
export const residentMegabytes = (pid: number | undefined): number => megabytes(pid, 'VmRSS');

function megabytes(pid: number | undefined, figure: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${figure}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

/** Milliseconds for which the process' main thread has had a processor, to ten of them; Linux alone tells. */
export function mainThreadMs(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8');
  // The name before it may hold anything.
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(user) + Number(system)) * 10;
}

/** How many files and sockets it has open. */
export const descriptorsOf = (pid: number | undefined): number => readdirSync(`/proc/${pid}/fd`).length;
