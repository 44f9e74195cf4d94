import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { request, until } from './client.ts';
import { unusedPort } from './upstream.ts';

/** For tap's `skip`: a reason where the program is missing. Never on CI, where a missing one must be a failure. */
export function skipWithout(program: 'prometheus' | 'promtool'): string | false {
  const missing = process.env['CI'] !== 'true' && spawnSync(program, ['--version']).status !== 0;
  return missing ? `no ${program} on this machine` : false;
}

/** Runs `promtool …` to its end; whether it was content, and all it said. */
export function promtool(args: readonly string[], input = ''): { ok: boolean; said: string } {
  const { status, stdout, stderr, error } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { ok: status === 0, said: error === undefined ? `${stdout}${stderr}` : String(error) };
}

export type Series = { metric: Record<string, string>; value: [at: number, value: string] };
export type Answered = { status: 'success'; data: { result: Series[] } } | { status: 'error'; error: string };
export type RuleHealth = { name: string; health: 'ok' | 'err' | 'unknown'; lastError?: string };

/** A real Prometheus with the rules of this file, which scrapes an admin port and evaluates its rules twice a second. */
export async function startPrometheus(t: Pick<Test, 'teardown'>, adminPort: number, rules: string) {
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-prometheus-'));
  const config = {
    global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
    rule_files: [rules],
    scrape_configs: [{ job_name: 'api', static_configs: [{ targets: [`127.0.0.1:${adminPort}`] }] }],
  };
  writeFileSync(join(folder, 'prometheus.json'), JSON.stringify(config));
  const port = await unusedPort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.json')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const gone = once(child, 'close');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const isReady = () =>
    request(port, '/-/ready').then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(isReady, 'prometheus', 20_000).catch((error: unknown) => {
    throw new Error(`${String(error)}; it said: ${said}`);
  });
  const asked = async (path: string) => JSON.parse((await request(port, path)).body) as unknown;
  return {
    query: async (expr: string) =>
      (await asked(`/api/v1/query?query=${encodeURIComponent(expr)}`)) as Answered,
    async rules(): Promise<RuleHealth[]> {
      const { data } = (await asked('/api/v1/rules')) as { data: { groups: { rules: RuleHealth[] }[] } };
      return data.groups.flatMap(({ rules }) => rules);
    },
  };
}
