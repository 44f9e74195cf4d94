import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { openFlags } from '../../src/flags/source.ts';
import { until } from '../support/client.ts';
import { keptLog, user } from '../support/flags.ts';

const program = fileURLToPath(import.meta.url);

/** A process that has no descriptor left while its flag file changes, and then has: what it saw, as JSON. */
export async function runStarvedChild(file: string): Promise<string> {
  const limited = ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, program];
  const child = spawn('sh', [...limited, file], { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 });
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return said;
}

function takeAll(): number[] {
  const taken: number[] = [];
  for (;;)
    try {
      taken.push(openSync('/dev/null', 'r'));
    } catch {
      return taken;
    }
}

const file = process.argv[2];
if (process.argv[1] === program && file !== undefined) {
  const log = keptLog();
  const provider = await openFlags({ source: 'local', file }, log);
  writeFileSync(file, 'flagValues: { api: 2 }');
  const taken = takeAll();
  await until(() => !provider.state().healthy, 'unhealthy');
  const starved = provider.state().detail;
  for (const descriptor of taken) closeSync(descriptor);
  const mended = await until(() => provider.state().healthy, 'healthy').catch(() => false);
  const { value } = await provider.evaluate('api', user('1'), 'default');
  await provider.close(0);
  process.stdout.write(JSON.stringify({ starved, mended, value, errors: log.said(/is broken/).length }));
}
