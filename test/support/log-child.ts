import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { request, until } from './client.ts';
import { start, type Command } from './command.ts';
import { startUpstream, unusedPort } from './upstream.ts';

/** Bytes of a path that makes a log line long, so that some thousand of them are more than may wait. */
const longPath = `/${'x'.repeat(7900)}`;

/** Requests whose lines are more than may wait, and what a pipe takes. */
export const tooMany = 2600;

/** The program with one upstream, its log on `stdout`, serving. */
export async function startLogging(
  t: Test,
  stdout?: number,
): Promise<Command & { port: number; ask: (count: number) => Promise<number> }> {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const port = await unusedPort();
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const yaml = `listen: 127.0.0.1:${port}\nadmin: off\nshutdown: { drain: 1s }
upstreams: { v0: { url: "${upstream.url}" } }
routes: [{ name: r, upstream: v0 }]
log: { format: json }\n`;
  writeFileSync(join(folder, 'trenchcoat.yaml'), yaml);
  const command = start(
    t,
    ['run', '-c', join(folder, 'trenchcoat.yaml')],
    stdout === undefined ? {} : { stdout },
  );
  await until(() => isServing(port), `it serves; it said: ${command.output.stderr}`, 15_000);
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  t.teardown(() => agent.destroy());
  return {
    ...command,
    port,
    /** Sends requests with long paths; how many of them were served. */
    async ask(count) {
      const asked = Array.from({ length: count }, () => request(port, longPath, { agent }));
      return (await Promise.all(asked)).filter(({ status }) => status === 200).length;
    },
  };
}

const isServing = (port: number) =>
  request(port, '/').then(
    ({ status }) => status === 200,
    () => false,
  );

/** The lines that are whole, and fails for one that is no JSON. */
export const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
