import t, { type Test } from 'tap';
import type { Socket } from 'node:net';
import { until } from '../support/client.ts';
import { openPool, send, type Sent } from '../support/exchange.ts';
import { startRawUpstream, unusedPort } from '../support/upstream.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Keeps each request until the test answers it. */
async function startSlow(t: Test) {
  const held: { path: string; socket: Socket }[] = [];
  const upstream = await startRawUpstream(t, (socket) =>
    socket
      .on('data', (chunk) => held.push({ path: chunk.toString('latin1').split(' ')[1] ?? '', socket }))
      .on('end', () => socket.end()),
  );
  const next = async () => {
    await until(() => held.length > 0, 'a request has come');
    return held.shift() as { path: string; socket: Socket };
  };
  return { ...upstream, held, next };
}

const paths = (count: number) => Array.from({ length: count }, (_, i) => `/${i}`);

await t.test('connections are opened up to their number, the rest waits in order', async (t) => {
  const upstream = await startSlow(t);
  const pool = openPool(t, upstream.url, { maxConnections: 2 });
  const all = paths(6).map((path) => send(pool, { path }));
  const order: string[] = [];
  while (order.length < 6) {
    const { path, socket } = await upstream.next();
    order.push(path);
    socket.write(ok);
  }
  for (const { done } of all) t.match(await done, { body: 'ok', error: undefined });
  t.same(order.slice(2), paths(6).slice(2));
  t.same(order.slice(0, 2).toSorted(), ['/0', '/1']);
  t.equal(upstream.connections(), 2);
});

await t.test('over the queue is busy, once its sender knows of it', async (t) => {
  const upstream = await startSlow(t);
  const pool = openPool(t, upstream.url, { maxConnections: 1, queue: 1 });
  const [first, second, third] = paths(3).map((path) => send(pool, { path })) as [Sent, Sent, Sent];
  t.same(third.report.events, []);
  t.match(await third.done, { events: ['error'], error: 'upstream_busy' });
  for (const { done } of [first, second]) {
    (await upstream.next()).socket.write(ok);
    t.match(await done, { body: 'ok' });
  }
});

await t.test('a place expires after the time to connect; who is being served is left alone', async (t) => {
  const upstream = await startSlow(t);
  const pool = openPool(t, upstream.url, { maxConnections: 1, connectTimeout: 100 });
  const first = send(pool);
  const waiting = paths(3).map((path) => send(pool, { path }));
  for (const { done } of waiting) {
    const { error, timings } = await done;
    t.equal(error, 'upstream_busy');
    t.ok((timings.total ?? 0) >= 100 && (timings.total ?? 0) < 1000, `after ${timings.total?.toFixed(0)} ms`);
  }
  t.same(first.report.events, []);
  (await upstream.next()).socket.write(ok);
  t.match(await first.done, { body: 'ok' });
  t.equal(upstream.held.length, 0, 'none of them was sent');
});

await t.test('one aborted in the queue gives its place up, and is never sent', async (t) => {
  const upstream = await startSlow(t);
  const pool = openPool(t, upstream.url, { maxConnections: 1, queue: 1 });
  const first = send(pool);
  const second = send(pool, { path: '/aborted' });
  second.exchange.resume();
  second.exchange.abort();
  const third = send(pool, { path: '/third' });
  (await upstream.next()).socket.write(ok);
  await first.done;
  const { path, socket } = await upstream.next();
  t.equal(path, '/third');
  socket.write(ok);
  t.match(await third.done, { body: 'ok' });
  t.same(second.report.events, []);
});

await t.test(
  'aborted in flight or while connecting, its connection ends and the next is served',
  async (t) => {
    const upstream = await startSlow(t);
    const pool = openPool(t, upstream.url, { maxConnections: 1 });
    const connecting = send(pool, { path: '/connecting' });
    const flying = send(pool, { path: '/flying' });
    connecting.exchange.abort();
    t.equal((await upstream.next()).path, '/flying');
    const last = send(pool, { path: '/last' });
    flying.exchange.abort();
    const { path, socket } = await upstream.next();
    t.equal(path, '/last');
    socket.write(ok);
    t.match(await last.done, { body: 'ok' });
    t.same([...connecting.report.events, ...flying.report.events], []);
    await until(() => upstream.sockets.size === 1, 'one connection is left');
  },
);

await t.test('none is forgotten where every connection dies', async (t) => {
  const dying = await startRawUpstream(t, (socket) => socket.once('data', () => socket.destroy()));
  const urls = [dying.url, `http://127.0.0.1:${await unusedPort()}`];
  for (const url of urls) {
    const pool = openPool(t, url, { maxConnections: 2, queue: 100 });
    const all = await Promise.all(paths(50).map((path) => send(pool, { path, method: 'POST' }).done));
    t.ok(
      all.every(({ error, events }) => events.length === 1 && /^(reset|connect_refused)$/.test(error ?? '')),
    );
  }
});

await t.test('a pool that is cut fails what it has, at once, and takes no more', async (t) => {
  const upstream = await startSlow(t);
  const pool = openPool(t, upstream.url, { maxConnections: 1 });
  const all = [send(pool), send(pool)];
  await upstream.next();
  pool.destroy();
  for (const { report } of all) t.match(report, { events: ['error'], error: 'shutting_down' });
  t.match(await send(pool).done, { events: ['error'], error: 'shutting_down' });
  await until(() => upstream.sockets.size === 0, 'no connection is left');
});

await t.test('times are reported, to connect only where it took any', async (t) => {
  const { url } = await startRawUpstream(t, (socket) =>
    socket.on('data', () => {
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n'), 30);
      setTimeout(() => socket.write('ok'), 80);
    }),
  );
  const pool = openPool(t, url);
  for (const kept of [false, true]) {
    const { timings } = await send(pool).done;
    const { connect, firstByte = 0, total = 0 } = timings;
    t.equal(connect === undefined, kept);
    t.ok(
      (connect ?? 0) <= firstByte && firstByte >= 25 && firstByte < total && total >= 75,
      JSON.stringify(timings),
    );
  }
});
