import { once } from 'node:events';
import net from 'node:net';
import t, { type Test } from 'tap';
import { startBeside } from '../support/beside.ts';
import { until } from '../support/client.ts';
import { residentMegabytes } from '../support/command.ts';
import { data, requestFor, speakFrames } from '../support/frames.ts';
import { startUpstream } from '../support/upstream.ts';

const skip = process.platform === 'linux' ? false : 'what a process takes is read from /proc';
const mebibyte = Buffer.alloc(1024 * 1024, 'x');

const upstream = await startUpstream(t, (req, res) =>
  req.resume().on('end', () => res.end(req.url === '/sick/large' ? mebibyte : 'small')),
);
const held = () => new Promise<number>((resolve) => upstream.server.getConnections((_, n) => resolve(n)));
const proxy = await startBeside(t, upstream.url, {
  listen: 'http2: true',
  upstream: 'idleTimeout: 1s, responseTimeout: 10s, connectTimeout: 20s, maxConnections: 2000',
  limits: 'bodyIdleTimeout: 1s',
});

/** Ten clients with a hundred requests each, of which none takes any of its answer: it grants a window of nothing. */
async function crowd(t: Test, path: string, method = 'GET', end = true) {
  return Promise.all(
    Array.from({ length: 10 }, async () => {
      const socket = net.connect(proxy.port, '127.0.0.1');
      t.teardown(() => socket.destroy());
      await once(socket, 'connect');
      const client = speakFrames(socket, { 4: 0 });
      for (let stream = 1; stream < 200; stream += 2) client.send(requestFor(stream, { method, path, end }));
      return client;
    }),
  );
}

// What is small is here whole, and nobody upstream waits: only the proxy can tell that it is never taken. What is large holds
// a connection to the upstream, too. A client pays with some bytes for each.
for (const [what, path] of [
  ['answers that are here', '/sick/small'],
  ['answers that are under way', '/sick/large'],
] as const)
  await t.test(`${what} and that no client takes are given up on`, { skip, timeout: 60_000 }, async (t) => {
    const before = residentMegabytes(proxy.child.pid);
    const { result, unserved } = await proxy.meanwhile(async () => {
      const clients = await crowd(t, path);
      const fates = await Promise.all(clients.map((client) => client.over(199, 10_000)));
      for (const client of clients) client.socket.destroy();
      return fates;
    });
    const after = residentMegabytes(proxy.child.pid);
    t.comment(`memory ${before.toFixed(0)}, then ${after.toFixed(0)} MB`);
    t.same(
      new Set(result.map(({ status, data: body, ended }) => [status, body, ended].join())),
      new Set(['200,,false']),
    );
    t.ok(after < before + 200, `memory ${before.toFixed(0)}, then ${after.toFixed(0)} MB`);
    t.same(unserved, [], 'others are served');
    await proxy.settled();
    await until(async () => (await held()) < 100, 'and so are their connections to the upstream');
  });

// R-U-Dead-Yet, a hundred at a time.
await t.test('bodies that never move are answered 408', { skip, timeout: 60_000 }, async (t) => {
  const { result, unserved } = await proxy.meanwhile(async () => {
    const clients = await crowd(t, '/sick/', 'POST', false);
    for (const client of clients) client.send(data(1, 'x', false));
    return Promise.all(clients.map((client) => client.over(199, 10_000)));
  });
  t.same(new Set(result.map(({ status }) => status)), new Set([408]));
  t.same(unserved, [], 'others are served');
  t.equal(proxy.child.exitCode, null);
});
