import type { ServerResponse } from 'node:http';
import t, { type Test } from 'tap';
import { request, until } from '../support/client.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

/** An upstream that answers when it is told to, behind a proxy with a single connection to it, which is busy. */
async function busyUpstream(t: Test, settings: string) {
  const held: ServerResponse[] = [];
  const upstream = await startUpstream(t, (_req, res) => held.push(res));
  const whole = `maxConnections: 1, responseTimeout: 3s, ${settings}`;
  const proxy = await startProxy(t, limited(upstream.url, { upstream: whole }));
  const first = request(proxy.port, '/first');
  await until(() => held.length === 1, 'the connection is busy');
  const release = () => held.shift()?.end('served');
  return { proxy, first, release, paths: () => upstream.seen.map(({ url }) => url) };
}

const full = { status: 503, headers: { 'retry-after': /^\d+$/ }, body: /"status":503/ };

await t.test('requests wait their turn, and those over the queue are refused at once', async (t) => {
  const { proxy, first, release, paths } = await busyUpstream(t, 'queue: 2, connectTimeout: 2s');
  const waiting = [request(proxy.port, '/second')];
  await new Promise((resolve) => setTimeout(resolve, 50));
  waiting.push(request(proxy.port, '/third'));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const started = performance.now();
  t.match(await request(proxy.port, '/fourth', { headers: { 'x-request-id': 'over' } }), full);
  t.ok(performance.now() - started < 500, 'at once');
  t.match(await proxy.accessLine('over'), { status: 503 });
  t.same(paths(), ['/first'], 'one at a time');
  for (const answer of [first, ...waiting]) {
    await until(release, 'it is under way');
    t.match(await answer, { status: 200, body: 'served' });
  }
  t.same(paths(), ['/first', '/second', '/third'], 'in order');
});

await t.test('a place in the queue is kept for connectTimeout', async (t) => {
  const { proxy, first, release, paths } = await busyUpstream(t, 'queue: 1, connectTimeout: 200ms');
  const started = performance.now();
  t.match(await request(proxy.port, '/waited'), full);
  const took = performance.now() - started;
  t.ok(took >= 190 && took < 1500, `after ${took.toFixed(0)} ms`);
  const next = request(proxy.port, '/next');
  await new Promise((resolve) => setTimeout(resolve, 50));
  release();
  t.match(await first, { status: 200 });
  await until(release, 'the next is under way');
  t.match(await next, { status: 200 }, 'the place was free again');
  t.same(paths(), ['/first', '/next'], 'what was refused is never sent');
});

await t.test('a client that leaves leaves its place', async (t) => {
  const { proxy, first, release, paths } = await busyUpstream(t, 'queue: 1, connectTimeout: 2s');
  const leaver = await connectRaw(
    t,
    proxy.port,
    'GET /leaver HTTP/1.1\r\nHost: a\r\nX-Request-Id: left\r\n\r\n',
  );
  await new Promise((resolve) => setTimeout(resolve, 50));
  leaver.socket.destroy();
  t.match(await proxy.accessLine('left'), { status: 499 });
  const next = request(proxy.port, '/next');
  await new Promise((resolve) => setTimeout(resolve, 50));
  release();
  t.match(await first, { status: 200 });
  await until(release, 'the next is under way');
  t.match(await next, { status: 200 });
  t.same(paths(), ['/first', '/next']);
});

await t.test('without a queue nobody waits', async (t) => {
  const { proxy, first, release } = await busyUpstream(t, 'queue: 0, connectTimeout: 2s');
  t.match(await request(proxy.port, '/second'), full);
  release();
  t.match(await first, { status: 200 });
});
