import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender } from '../contenders.ts';
import { peerProgram } from '../peers.ts';
import { contenderProgram, until } from '../place.ts';
import { cores, start } from '../programs.ts';

/** A program of ours that forwards, from this folder. */
export const program = (name: string) => serving(contenderProgram(name));

/** Another proxy for Node. */
export const peer = (name: string) => serving(peerProgram(name));

/** A program of Node's that is told the upstream's address and, for TLS, where a certificate is; it tells its port. */
const serving =
  (path: string): Contender['start'] =>
  ({ upstream: { v0 }, ...around }) =>
    startNode([path, `http://127.0.0.1:${v0}`, around.certificate ?? ''], around);

/** Starts a program of Node's that tells its port, on the proxy's core unless told otherwise. */
export async function startNode(
  args: readonly string[],
  { folder, node, nodeFlags }: Pick<Parameters<Contender['start']>[0], 'folder' | 'node' | 'nodeFlags'>,
  core = cores.proxy,
) {
  mkdirSync(folder, { recursive: true });
  const log = join(folder, 'output.log');
  const descriptor = openSync(log, 'w');
  const started = start(core, node, [...nodeFlags, ...args], descriptor);
  closeSync(descriptor);
  const port = await until(
    () => /^\d+$/m.exec(readFileSync(log, 'utf8'))?.[0],
    () => `${args[0]} did not start: ${started.output()}`,
  );
  return { pid: started.pid, port: Number(port), log, stop: started.stop };
}
