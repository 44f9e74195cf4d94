import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkOurs } from './contenders/ours.ts';
import { contenderProgram, fillIn, freePort, ourProgram, until } from './place.ts';
import { cores, start, type Program } from './programs.ts';

/** The API behind the contenders: a port for each version, and the process that serves both. */
export type Upstream = { v0: number; v1: number; pid: number };

/** A contender that answers. `check` says what is wrong with its own account of the requests it served. */
export type Running = {
  pid: number;
  port: number;
  check?: (requests: number) => Promise<string | undefined>;
  stop: () => Promise<void>;
};

export type Contender = {
  name: string;
  about: string;
  /** `folder` is its own, for its files. */
  start(upstream: Upstream, folder: string): Promise<Running>;
};

export const contenders: readonly Contender[] = [
  { name: 'direct', about: 'the upstream nginx itself', start: direct },
  { name: 'nginx', about: 'reverse proxy, split_clients on the user id, no log', start: nginx },
  { name: 'http-proxy', about: 'keep-alive agent, no decision, no log', start: node('http-proxy-server') },
  { name: 'undici', about: 'http.Server and dispatch, no decision, no log', start: node('undici-server') },
  {
    name: 'ours',
    about: 'flag at 25 %, guard, access log to a file, metrics, admin',
    start: ours({ guard: 'rollback' }),
  },
  { name: 'unguarded', about: 'the same without the guard', start: ours({ guard: 'off' }) },
  { name: 'workers', about: 'ours with two workers', start: ours({ guard: 'rollback', workers: 2 }) },
  { name: 'silent', about: 'and without log, metrics and history', start: silent },
];

export async function startUpstream(folder: string): Promise<Upstream & Pick<Running, 'stop'>> {
  const ports = { v0: await freePort(), v1: await freePort() };
  const program = await startNginx(cores.load, 'upstream.conf', folder, ports, ports.v0);
  return { ...ports, pid: program.pid, stop: program.stop };
}

async function direct({ v0, pid }: Upstream): Promise<Running> {
  return { pid, port: v0, stop: async () => {} };
}

async function nginx({ v0, v1 }: Upstream, folder: string): Promise<Running> {
  const port = await freePort();
  const program = await startNginx(cores.proxy, 'nginx.conf', folder, { v0, v1, port }, port);
  return { pid: program.pid, port, stop: program.stop };
}

async function startNginx(
  core: number,
  template: string,
  folder: string,
  ports: Readonly<Record<string, number>>,
  port: number,
): Promise<Program> {
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const config = fillIn(template, folder, { ...ports, folder, user });
  const program = start(core, 'nginx', ['-e', join(folder, 'start.log'), '-c', config]);
  await answering(program, port);
  return program;
}

/** A program of Node's that is told the upstream's address, or `argument`, and tells its port. */
function node(name: string, argument?: string): Contender['start'] {
  return async ({ v0 }) => {
    const told = argument ?? `http://127.0.0.1:${v0}`;
    const program = start(cores.proxy, process.execPath, [contenderProgram(name), told]);
    const port = await until(
      () => /^\d+$/m.exec(program.output())?.[0],
      () => `${name} did not start: ${program.output()}`,
    );
    return { pid: program.pid, port: Number(port), stop: program.stop };
  };
}

/** How ours is configured. */
type Ours = { guard: 'rollback' | 'off'; workers?: number };

function ours(how: Ours): Contender['start'] {
  return async (upstream, folder) => {
    const config = ourConfig(upstream, folder, how);
    const log = join(folder, 'access.log');
    const descriptor = openSync(log, 'w');
    const program = start(cores.proxy, process.execPath, [ourProgram, 'run', '-c', config], descriptor);
    closeSync(descriptor);
    const ready = await until(
      () => /^.*"msg":"ready".*$/m.exec(readFileSync(log, 'utf8'))?.[0],
      () => `trenchcoat did not start: ${program.output()}`,
    );
    const { listen, admin }: Record<'listen' | 'admin', { port: number }> = JSON.parse(ready);
    return {
      pid: program.pid,
      port: listen.port,
      check: (requests) => checkOurs(requests, admin.port, log),
      stop: program.stop,
    };
  };
}

async function silent(upstream: Upstream, folder: string): Promise<Running> {
  return node('silent-server', ourConfig(upstream, folder, { guard: 'off' }))(upstream, folder);
}

/** Writes the configuration of ours, and gives its path. */
function ourConfig({ v0, v1 }: Upstream, folder: string, { guard, workers = 1 }: Ours): string {
  fillIn('flags.yaml', folder, {});
  const config = fillIn('ours.yaml', folder, { v0, v1, guard });
  appendFileSync(config, `workers: ${workers}\n`);
  return config;
}

const answering = (program: Program, port: number) =>
  until(
    () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        (answer) => (answer.ok ? true : undefined),
        () => undefined,
      ),
    () => `no answer: ${program.output()}`,
  );
