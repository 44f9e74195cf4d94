import { join } from 'node:path';
import type { Running, Surroundings, Upstream } from '../contenders.ts';
import { fillIn, freePort, listening } from '../place.ts';
import { cores, start, type Program } from '../programs.ts';

/** Serves both versions, and below `/fact/of/` what lies in `folder`. */
export async function startUpstream(folder: string): Promise<Upstream & Pick<Running, 'stop'>> {
  const ports = { v0: await freePort(), v1: await freePort() };
  const program = await startNginx(cores.load, 'upstream.conf', folder, ports, ports.v0);
  return { ...ports, pid: program.pid, stop: program.stop };
}

export async function nginx({ upstream, folder, certificate }: Surroundings): Promise<Running> {
  const port = await freePort();
  const tls =
    certificate === undefined
      ? { tls: '', certificate: '' }
      : {
          tls: 'ssl',
          certificate: `ssl_certificate ${certificate}/cert.pem; ssl_certificate_key ${certificate}/key.pem;`,
        };
  const program = await startNginx(
    cores.proxy,
    'nginx.conf',
    folder,
    { ...portsOf(upstream), port, ...tls },
    port,
  );
  return { pid: program.pid, port, stop: program.stop };
}

export async function haproxy({ upstream, folder, certificate }: Surroundings): Promise<Running> {
  const port = await freePort();
  const tls = certificate === undefined ? '' : ` ssl crt ${certificate}/both.pem`;
  const config = fillIn('haproxy.cfg', folder, { ...portsOf(upstream), port, tls });
  const program = start(cores.proxy, 'haproxy', ['-db', '-f', config]);
  await listening(program, port);
  return { pid: program.pid, port, stop: program.stop };
}

const portsOf = ({ v0, v1 }: Upstream) => ({ v0, v1 });

async function startNginx(
  core: number,
  template: string,
  folder: string,
  values: Readonly<Record<string, string | number>>,
  port: number,
): Promise<Program> {
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const config = fillIn(template, folder, { ...values, folder, user });
  const program = start(core, 'nginx', ['-e', join(folder, 'start.log'), '-c', config]);
  await listening(program, port);
  return program;
}
