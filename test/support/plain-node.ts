import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

/**
 * Starts Node without what the test runner hands on to every process: that takes longer to load than the whole program.
 * `env` makes way for Node, so the process is Node's. Nothing of ours may call what Node has deprecated: that ends the process.
 * What stands before it in `under` makes way in the same manner.
 */
export function spawnNode(
  args: readonly string[],
  options: SpawnOptions,
  under: readonly string[] = [],
): ChildProcess {
  const [program = '', ...all] = [
    ...under,
    'env',
    '-u',
    'NODE_OPTIONS',
    process.execPath,
    '--throw-deprecation',
    ...args,
  ];
  return spawn(program, all, options);
}
