import { readFileSync, writeFileSync } from 'node:fs';
import net, { type Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { request, until } from '../support/client.ts';
import { peakMegabytes, startRun } from '../support/command.ts';
import { limited } from '../support/limited.ts';
import { startUpstream } from '../support/upstream.ts';

/** The default of `limits.connections`. */
const wanted = 10_000;
const batch = 100;

/** This process and the proxy each need a descriptor for every connection, and a few besides. */
function possible(): number {
  if (process.platform !== 'linux') return wanted;
  const [, soft = '0'] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return Math.min(wanted, Number(soft) - 300);
}

async function connectIdle(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(batch, count - sockets.length) }, () =>
      net.connect(port, '127.0.0.1'),
    );
    await Promise.all(
      some.map(
        (socket) => new Promise((resolve, reject) => socket.on('connect', resolve).on('error', reject)),
      ),
    );
    sockets.push(...some);
  }
  return sockets;
}

const count = possible();
const lowered = count < wanted ? `, as many as ulimit -n allows, of ${wanted}` : '';

await t.test(`${count} idle connections${lowered}: others are served, and memory stays small`, async (t) => {
  if (process.env['CI'] === 'true') t.equal(count, wanted, 'the build machine allows them all');
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const config = join(t.testdir({}), 'trenchcoat.yaml');
  const limits = `connections: ${count}`;
  writeFileSync(config, `listen: 127.0.0.1:0\nadmin: off\n${limited(upstream.url, { limits })}`);
  const proxy = await startRun(t, config);

  const idle = await connectIdle(proxy.port, count - 1);
  t.teardown(() => {
    for (const socket of idle) socket.destroy();
  });
  const started = performance.now();
  t.match(await request(proxy.port, '/'), { status: 200, body: 'served' }, 'the last place serves');
  t.ok(performance.now() - started < 500, 'at once');

  // The connection of that request may end a moment later than its answer, and have the place until then.
  const more = await until(async () => {
    idle.push(...(await connectIdle(proxy.port, 1)));
    const answer = await request(proxy.port, '/');
    return answer.status !== 200 && answer;
  }, 'all places are taken');
  t.match(more, { status: 503, headers: { 'retry-after': /^\d+$/ } }, 'one more is refused');
  if (process.platform === 'linux') {
    const peak = peakMegabytes(proxy.child.pid);
    t.ok(peak < 400, `peak resident memory ${peak.toFixed(0)} MB`);
    t.comment(`peak ${peak.toFixed(0)} MB`);
  }

  for (const socket of idle) socket.destroy();
  await until(async () => (await request(proxy.port, '/')).status === 200, 'their places are free again');
  t.equal(proxy.child.exitCode, null);
});
