import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** For tap's `skip`: a reason where a program is not installed. Never on CI, where a missing one must be a failure. */
export function skipWithout(program: string): string | false {
  const missing = spawnSync(program, ['--version'], { stdio: 'ignore' }).error !== undefined;
  return missing && process.env['CI'] !== 'true' ? `no ${program} is installed` : false;
}

/** What a program writes on its standard output; it has half a minute. */
export const outputOf = async (program: string, args: readonly string[]): Promise<string> =>
  (await run(program, args, { timeout: 30_000, maxBuffer: 64 * 1024 * 1024 })).stdout;
