import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { startApp } from '../../src/app.ts';
import { loadConfig } from '../../src/config/load.ts';
import { secretsOf } from '../../src/config/secrets.ts';
import { systemClock, type Clock } from '../../src/clock.ts';
import { fingerprint } from '../../src/config/watch.ts';
import type { Reloaded } from '../../src/reload.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { Outcome } from '../../src/telemetry/outcome.ts';
import { until } from './client.ts';
import { certificate, overTls, wayOverTls } from './tls-way.ts';

export type AccessLine = Outcome & { time: string; level: string };

export type Running = {
  port: number;
  adminPort: number;
  folder: string;
  /** The access line of the request with this id, or of the only request so far. */
  accessLine: (id?: string) => Promise<AccessLine>;
  logText(): string;
  /** What was logged so far at a level, requests apart. */
  logLines(level: string): Record<string, unknown>[];
  /** Writes another configuration, with the same ports, and has it read. */
  reload(yaml: string): Promise<Reloaded>;
  stop(): Promise<void>;
};

/**
 * A whole proxy in this process: the configuration goes through a real file, the log through another. Both ports
 * are chosen by the system unless the YAML says otherwise. `files` are written beside the configuration.
 */
export async function startProxy(
  t: Pick<Test, 'teardown'>,
  yaml: string,
  files: Readonly<Record<string, string>> = {},
  clock: Clock = systemClock,
): Promise<Running> {
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-'));
  for (const [name, text] of Object.entries({ ...files, ...(overTls ? certificate.files : {}) }))
    writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'trenchcoat.yaml'), withPorts(yaml));
  const file = join(folder, 'trenchcoat.yaml');
  const known = await fingerprint(file);
  const { config } = await loadConfig(file);
  const logFile = join(folder, 'log');
  const log = await createLog(config.log, { to: logFile, secrets: secretsOf(config) });
  const app = await startApp(config, log, clock, { file, known, read: () => loadConfig(file) });

  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= app.stop().then(() => log.close()));
  t.teardown(async () => {
    await stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const logText = () => readFileSync(logFile, 'utf8');
  const isOurs = overTls && !/^listen:/m.test(yaml);
  return {
    port: isOurs ? await wayOverTls(t, app.listen.port) : app.listen.port,
    adminPort: app.admin?.port ?? 0,
    folder,
    logText,
    logLines(level) {
      log.flush();
      const lines = logText()
        .split('\n')
        .filter((line) => line.includes('"msg"'));
      return lines.map((line) => JSON.parse(line)).filter((line) => line.level === level);
    },
    async reload(next) {
      writeFileSync(file, withPorts(next));
      return app.reload('admin');
    },
    stop,
    accessLine: (id) =>
      until(
        () => {
          log.flush();
          // The last line may be under way.
          const line = logText()
            .split('\n')
            .slice(0, -1)
            .find((text) => text.includes('"method"') && (id === undefined || text.includes(`"id":"${id}"`)));
          return line === undefined ? undefined : (JSON.parse(line) as AccessLine);
        },
        `access line ${id ?? ''}`,
      ),
  };
}

/** How clients come in, as the upstream is told. */
export const clientProtocol = overTls ? 'https' : 'http';

const listen = overTls ? `{ address: "127.0.0.1:0", http2: false, ${certificate.keys} }` : '127.0.0.1:0';

/** With ports that the system chooses, where it names none. */
function withPorts(yaml: string): string {
  const ports = Object.entries({ listen, admin: '127.0.0.1:0' });
  const missing = ports.filter(([key]) => !new RegExp(`^${key}:`, 'm').test(yaml));
  return `${missing.map(([key, value]) => `${key}: ${value}\n`).join('')}${yaml}`;
}

/** The configuration most tests share: a flag at 100 % on `version`, and a plain route beside it. */
export const flagged = (v0: string, v1: string, more = ''): string => `
context:
  user:
    key: [{ cookie: uid }, { header: X-User-Id }]
flags: { source: local, file: flags.yaml }
upstreams:
  v0: { url: "${v0}" }
  v1: { url: "${v1}" }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v0, 1: v1 }, default: 0 }
  - { name: site, upstream: v0 }
shutdown: { drain: 1s }
${more}`;

/** A flag file with one flag, `facts`, that splits users evenly; `alice` gets 0 and `bob` gets 1. */
export const evenFlags = `
flags:
  facts:
    on: true
    variations: [0, 1]
    targets: [{ variation: 0, values: [alice] }, { variation: 1, values: [bob] }]
    fallthrough: { rollout: { variations: [{ variation: 0, weight: 50000 }, { variation: 1, weight: 50000 }] } }
    offVariation: 0
    salt: even
`;

/**
 * A rollout of the flag `facts`, in the place of a flag file: 25 %, 50 %, then everyone. Asked for by cookie. Nobody
 * guards it unless `guard` says so.
 */
export const rolledOut = (
  v0: string,
  v1: string,
  { stage = '1m', state = 'memory', more = '', guard = 'onRegression: off' } = {},
): string => `
context:
  user:
    key: [{ cookie: uid }]
upstreams:
  v0: { url: "${v0}" }
  v1: { url: "${v1}" }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v0, 1: v1 }, default: 0, guard: { ${guard} } }
rollouts:
  facts:
    from: 0
    to: 1
    stages: [{ percent: 25, for: ${stage} }, { percent: 50, for: ${stage} }]
    ${more}
state: ${state}
shutdown: { drain: 1s }
`;
