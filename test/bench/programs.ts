import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The proxy under test has a core alone; load and upstream share the other. */
export const cores = { proxy: 0, load: 1 };

/** A program on one core, in a process group of its own. */
export type Program = {
  pid: number;
  /** What it wrote so far, both streams. */
  output: () => string;
  /** Resolves with the exit code, null after a signal. */
  ended: Promise<number | null>;
  /** Asks it to end, and makes it end after five seconds. */
  stop: () => Promise<void>;
};

const running = new Set<ChildProcess>();

/** With `stdout`, a file descriptor, standard output goes there. */
export function start(core: number, command: string, args: readonly string[], stdout?: number): Program {
  const child = spawn('taskset', ['-c', String(core), command, ...args], {
    detached: true,
    stdio: ['ignore', stdout ?? 'pipe', 'pipe'],
    env: { ...process.env, PATH: searchPath().join(delimiter) },
  });
  running.add(child);
  let output = '';
  const keep = (chunk: Buffer) => (output = `${output}${chunk.toString()}`.slice(-20_000));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      running.delete(child);
      resolve(code);
    });
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    ended,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(child), 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** Ends every program at once. */
export function killAll(): void {
  for (const child of running) killGroup(child);
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

/** Those of `names` that are not installed. */
export const missing = (names: readonly string[]): string[] =>
  names.filter((name) => !searchPath().some((folder) => isProgram(join(folder, name))));

/** nginx lives where the path of an ordinary user does not look. */
const searchPath = () => [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
