import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { Test } from 'tap';
import { until } from './client.ts';

/** For tap's `skip`: a reason where there is no Redis. Never on CI, where a missing one must be a failure. */
export function skipWithoutRedis(): string | false {
  const missing = process.env['CI'] !== 'true' && spawnSync('redis-server', ['--version']).status !== 0;
  return missing ? 'no redis-server on this machine' : false;
}

type Options = { password?: string; tls?: { key: string; cert: string } };

/**
 * A real redis-server on a port of its own, ended with the test. It keeps nothing on disk, so after `kill` and `up`
 * it comes back empty.
 */
export async function startRedis(t: Pick<Test, 'teardown'>, { password, tls }: Options = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'trenchcoat-redis-'));
  const port = await freePort();
  const args = ['--save', '', '--appendonly', 'no', '--dir', folder, '--bind', '127.0.0.1'];
  if (password !== undefined) args.push('--requirepass', password);
  if (tls === undefined) args.push('--port', String(port));
  else {
    writeFileSync(join(folder, 'key.pem'), tls.key);
    writeFileSync(join(folder, 'cert.pem'), tls.cert);
    args.push('--port', '0', '--tls-port', String(port), '--tls-auth-clients', 'no');
    args.push('--tls-key-file', join(folder, 'key.pem'), '--tls-cert-file', join(folder, 'cert.pem'));
  }

  let child: ChildProcess | undefined;
  const up = async (): Promise<void> => {
    child = spawn('redis-server', args, { stdio: 'ignore' });
    await until(() => reachable(port), 'redis-server');
  };
  const kill = async (): Promise<void> => {
    const dying = child;
    child = undefined;
    if (dying === undefined) return;
    const gone = once(dying, 'exit');
    dying.kill('SIGKILL');
    dying.kill('SIGCONT');
    await gone;
  };
  await up();
  t.teardown(async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const scheme = tls === undefined ? 'redis' : 'rediss';
  return {
    port,
    /** The address without a password, whatever is required. */
    url: `${scheme}://127.0.0.1:${port}`,
    kill,
    up,
    /** The server hangs: connections stand, nothing is answered. */
    stall: () => child?.kill('SIGSTOP'),
    resume: () => child?.kill('SIGCONT'),
    /** A client of the test's own, to look and to meddle. */
    client() {
      const client = new Redis(port, '127.0.0.1', {
        ...(password !== undefined && { password }),
        ...(tls !== undefined && { tls: { rejectUnauthorized: false } }),
      });
      client.on('error', () => {});
      t.teardown(() => client.disconnect());
      return client;
    },
  };
}

export type RedisServer = Awaited<ReturnType<typeof startRedis>>;

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

const reachable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
