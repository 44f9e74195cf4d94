import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { openFlags } from '../../src/flags/source.ts';
import { keptLog, user } from './flags.ts';
import { spawnNode } from './plain-node.ts';

type Task = {
  file?: string;
  relay?: string;
  proxy?: string;
  store?: string;
  daemon?: boolean;
  deadline?: number;
};

const file = fileURLToPath(import.meta.url);

/** A process that opens a source, evaluates `api` and closes: what it saw, and how long it then took to end. */
export async function runFlagsChild(task: Task, env: Record<string, string> = {}) {
  const child = spawnNode([file, JSON.stringify(task)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const alive = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [value] = (await once(child, 'message')) as [unknown];
  const closed = performance.now();
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(alive);
  return { end: { value, code, signal }, lingered: performance.now() - closed };
}

if (process.argv[1] === file && process.send) {
  const task = JSON.parse(process.argv[2] ?? '{}') as Task;
  const provider = await openFlags(
    task.relay === undefined
      ? { source: 'local', ...(task.file !== undefined && { file: task.file }) }
      : {
          source: 'launchdarkly',
          sdkKey: 'sdk',
          relay: new URL(task.relay),
          ...(task.proxy !== undefined && { proxy: new URL(task.proxy) }),
          initTimeout: 1000,
          events: true,
          metricSampling: 1,
          daemon: task.daemon ?? false,
          tracingHook: false,
          ...(task.store !== undefined && { store: new URL(task.store) }),
        },
    keptLog(),
  );
  const { value } = await provider.evaluate('api', user('1'), 'default');
  await provider.close(task.deadline ?? 2000);
  process.send(value);
  process.disconnect();
}
