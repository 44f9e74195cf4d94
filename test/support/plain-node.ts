import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

/**
 * Starts Node without what the test runner hands on to every process: that takes longer to load than the whole program.
 * `env` makes way for Node, so the process is Node's. So does what stands before it in `under`, with its arguments.
 */
export function spawnNode(
  args: readonly string[],
  options: SpawnOptions,
  under: readonly string[] = [],
): ChildProcess {
  const [program = '', ...all] = [...under, 'env', '-u', 'NODE_OPTIONS', process.execPath, ...args];
  return spawn(program, all, options);
}
