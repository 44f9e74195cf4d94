import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Surroundings } from '../contenders.ts';
import { contenderProgram, fillIn, ourProgram, until } from '../place.ts';
import { cores, start } from '../programs.ts';
import { checkOurs } from './account.ts';
import { startNode } from './node.ts';

/** How ours is configured, where not as usual. */
export type Ours = {
  guard?: 'rollback' | 'off';
  workers?: number;
  /** So many routes, each with an upstream of its own; the last, which has two, is the one that is asked. */
  routes?: number;
  /** The section `flags`; flags come from a file unless told. */
  flags?: () => Promise<{ section: string; close: () => Promise<void> }>;
  /** Where it is compiled, when that is not here. */
  checkout?: string;
};

const fromFile = async () => ({ section: '{ source: local, file: flags.yaml }', close: async () => {} });

export function ours(how: Ours): Contender['start'] {
  return async (around) => {
    const flags = await (how.flags ?? fromFile)();
    const config = ourConfig(around, how, flags.section);
    const log = join(around.folder, 'access.log');
    const descriptor = openSync(log, 'w');
    const program = start(
      cores.proxy,
      around.node,
      [...around.nodeFlags, ourProgram(how.checkout), 'run', '-c', config],
      descriptor,
    );
    closeSync(descriptor);
    const ready = await until(
      () => /^.*"msg":"ready".*$/m.exec(readFileSync(log, 'utf8'))?.[0],
      () => `trenchcoat did not start: ${program.output()}${readFileSync(log, 'utf8').slice(0, 2000)}`,
    );
    const { listen, admin }: Record<'listen' | 'admin', { port: number }> = JSON.parse(ready);
    return {
      pid: program.pid,
      port: listen.port,
      log,
      check: (requests) => checkOurs(requests, admin.port, log),
      async stop() {
        await program.stop();
        await flags.close();
      },
    };
  };
}

export const silent: Contender['start'] = (around) =>
  startNode([contenderProgram('silent-server'), ourConfig(around, { guard: 'off' })], around);

/** Writes the configuration of ours, and gives its path. */
function ourConfig(
  { upstream: { v0, v1 }, folder, certificate }: Surroundings,
  { guard = 'rollback', workers = 1, routes = 1 }: Ours,
  flags = '{ source: local, file: flags.yaml }',
): string {
  fillIn('flags.yaml', folder, {});
  const tls = certificate && `tls: { cert: ${certificate}/cert.pem, key: ${certificate}/key.pem }`;
  const others = Array.from({ length: routes - 1 }, (_, at) => at);
  const path = fillIn('ours.yaml', folder, {
    v0,
    v1,
    guard,
    // Short, since a configuration has to fit into a mebibyte.
    upstreams: others.map((at) => `\n  u${at}: {url: 'http://127.0.0.1:${v0}'}`).join(''),
    routes: others.map((at) => `\n  - {name: r${at}, match: {path: /${at}/}, upstream: u${at}}`).join(''),
  });
  const listen = tls === undefined ? '127.0.0.1:0' : `{ address: '127.0.0.1:0', ${tls}, http2: false }`;
  appendFileSync(path, `listen: ${listen}\nworkers: ${workers}\nflags: ${flags}\n`);
  return path;
}
