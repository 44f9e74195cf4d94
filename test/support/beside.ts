import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { readAnswer, request, until } from './client.ts';
import { descriptorsOf, startRun } from './command.ts';
import { startUpstream } from './upstream.ts';

/**
 * Further keys of the front door, of the upstream that ails, of the limits, the log and the stop; and how many descriptors the
 * program may have.
 */
type Settings = {
  listen?: string;
  upstream?: string;
  limits?: string;
  log?: string;
  shutdown?: string;
  descriptors?: number;
};

/** How a request ended: `status` is 0 where there was no answer, `cut` says that the answer is not whole. */
export type Ended = { status: number; cut: boolean; body: string; took: number };

/** One request, and how it ended; it never fails. */
export async function ask(port: number, path: string, options: http.RequestOptions = {}): Promise<Ended> {
  const started = performance.now();
  const ended = await new Promise<Omit<Ended, 'took'>>((resolve) => {
    const req = http.get({ host: '127.0.0.1', port, path, agent: false, ...options }, (res) => {
      void readAnswer(res).then(({ status, cut, body }) => resolve({ status, cut, body }));
    });
    req.on('error', () => resolve({ status: 0, cut: true, body: '' }));
  });
  return { ...ended, took: performance.now() - started };
}

/**
 * The program before two upstreams: an ailing one, which gets what is asked for below `/sick/`, and one that is always well,
 * which gets the rest. For Linux, which alone tells what a process has open.
 */
export async function startBeside(t: Pick<Test, 'teardown'>, sick: string, settings: Settings = {}) {
  const { listen = '', upstream = '', limits = '', log = 'access: false', shutdown = 'drain: 1s' } = settings;
  const well = await startUpstream(t, (_req, res) => res.end('well'));
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'trenchcoat.yaml');
  writeFileSync(
    config,
    `listen: { address: 127.0.0.1:0, ${listen} }
admin: 127.0.0.1:0
upstreams: { sick: { url: "${sick}", ${upstream} }, well: { url: "${well.url}" } }
routes: [{ name: sick, match: { path: /sick/ }, upstream: sick }, { name: well, upstream: well }]
limits: { ${limits} }
log: { ${log} }
shutdown: { ${shutdown} }
`,
  );
  const { descriptors } = settings;
  const proxy = await startRun(t, config, descriptors === undefined ? {} : { descriptors });
  const { pid } = proxy.child;
  await request(proxy.port, '/well');
  await request(proxy.adminPort, '/livez');
  const before = descriptorsOf(pid);
  return {
    ...proxy,
    sick: (options?: http.RequestOptions) => ask(proxy.port, '/sick/', options),
    /** Asks for what is well, again and again, as long as `work` lasts; how that went, and what came of the work. */
    async meanwhile<T>(work: () => Promise<T>) {
      const others: Ended[] = [];
      const over = new AbortController();
      const working = work().finally(() => over.abort());
      // Awaited below; it may fail before.
      working.catch(() => {});
      do {
        others.push(await ask(proxy.port, '/well'));
        await new Promise((resolve) => setTimeout(resolve, 5));
      } while (!over.signal.aborted);
      const unserved = others.filter(({ status, cut, body }) => status !== 200 || cut || body !== 'well');
      const slowest = Math.max(...others.map(({ took }) => took));
      return { result: await working, served: others.length - unserved.length, unserved, slowest };
    },
    /** Waits until hardly more is open than at first: a few connections are kept for what comes next. */
    settled: (within = 10_000) =>
      until(() => descriptorsOf(pid) <= before + 10, 'what was open is closed', within),
  };
}
