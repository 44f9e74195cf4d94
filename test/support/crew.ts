import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { request, until } from './client.ts';
import { startRun } from './command.ts';

/** The program with two workers, from a configuration that leaves ports and workers out. */
export async function startCrew(t: Test, yaml: string, files: Readonly<Record<string, string>> = {}) {
  const folder = t.testdir(files);
  const file = join(folder, 'trenchcoat.yaml');
  writeFileSync(file, whole(yaml));
  const proxy = await startRun(t, file);
  const metrics = async () => (await request(proxy.adminPort, '/metrics')).body;
  return {
    ...proxy,
    folder,
    rewrite: (text: string) => writeFileSync(file, whole(text)),
    /** Process ids of the workers. */
    workers: () => childrenOf(proxy.child.pid ?? 0),
    /** Lines of the log that say something, requests apart. */
    said: () => linesOf(proxy.output.stdout).filter(({ msg }) => msg !== undefined),
    requests: () => linesOf(proxy.output.stdout).filter(({ method }) => method !== undefined),
    metrics,
    /** Waits until a line of the metrics is this. */
    metric: (line: string) => until(async () => (await metrics()).split('\n').includes(line), line),
    ready: async () => JSON.parse((await request(proxy.adminPort, '/readyz')).body) as Readiness,
  };
}

const whole = (yaml: string) =>
  `${/^listen:/m.test(yaml) ? '' : 'listen: 127.0.0.1:0\n'}admin: 127.0.0.1:0\nworkers: 2\n${yaml}`;

type Readiness = { ready: boolean; checks: Record<string, string> };

/** Every line has to be whole: several processes write. */
const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
