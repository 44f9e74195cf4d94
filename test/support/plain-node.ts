import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

/**
 * Starts Node without what the test runner hands on to every process: that takes longer to load than the whole program.
 * `env` makes way for Node, so the process is Node's. Nothing of ours may call what Node has deprecated: that ends the process.
 */
export const spawnNode = (args: readonly string[], options: SpawnOptions): ChildProcess =>
  spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, '--throw-deprecation', ...args], options);
