import t from 'tap';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

const chunked = { method: 'POST' };
const silent = () => new PassThrough();

await t.test('a handshake that never ends: connect_timeout', async (t) => {
  const { port } = await startRawUpstream(t, () => {});
  const pool = openPool(t, `https://127.0.0.1:${port}`, { connectTimeout: 100 });
  const { error, timings } = await send(pool).done;
  t.equal(error, 'connect_timeout');
  t.equal(timings.connect, undefined);
  t.ok((timings.total ?? 0) >= 100, 'not before its time');
});

await t.test('no answer, or half a head: response_timeout, however it trickles', async (t) => {
  const { url } = await startRawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write('X: y\r\n'), 20);
    socket.on('close', () => clearInterval(timer));
  });
  const silent = await startRawUpstream(t, () => {});
  const each = [url, silent.url].map(
    (url) => send(openPool(t, url, { responseTimeout: 100, idleTimeout: 5000 })).done,
  );
  for (const { error, events } of await Promise.all(each)) {
    t.equal(error, 'response_timeout');
    t.same(events, ['error']);
  }
});

await t.test('silence in the body: idle_timeout, but not while bytes come', async (t) => {
  const { url } = await startRawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
    let left = 20;
    const timer = setInterval(() => (left-- > 0 ? socket.write('x') : clearInterval(timer)), 40);
    socket.on('close', () => clearInterval(timer));
  });
  const { error, body, timings } = await send(openPool(t, url, { idleTimeout: 500 })).done;
  t.equal(error, 'idle_timeout');
  t.equal(body, 'x'.repeat(20));
  t.ok((timings.total ?? 0) > 1200, 'each byte put it off');
});

// A frozen container, a suspended machine: timers are late with everything else, and come before what was sent meanwhile.
await t.test('what came in time while we stood still is not late', async (t) => {
  const steady = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:http').createServer((_req, res) => {
      let left = 40;
      const timer = setInterval(() => (left-- > 0 ? res.write('x') : clearInterval(timer, res.end())), 20);
    });
    server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`;
  const worker = new Worker(steady, { eval: true });
  t.teardown(() => worker.terminate());
  const [port] = (await once(worker, 'message')) as [number];
  const pool = openPool(t, `http://127.0.0.1:${port}`, { idleTimeout: 300 });
  const { done, report } = send(pool);
  await until(() => report.body !== '', 'the body has begun');
  // From here the timers come next, and only then what has arrived.
  await new Promise(setImmediate);
  for (const until = performance.now() + 500; performance.now() < until;);
  t.match(await done, { error: undefined, body: 'x'.repeat(40) });
});

await t.test('while the client is to send, the upstream is not late', async (t) => {
  const { url } = await startRawUpstream(t, (socket, received) =>
    socket.on('data', () => {
      if (received().endsWith('0\r\n\r\n')) socket.write('HTTP/1.1 204 No Content\r\n\r\n');
    }),
  );
  const stream = new PassThrough();
  const { done, report } = send(openPool(t, url, { responseTimeout: 100 }), chunked, {
    framing: 'chunked',
    stream,
  });
  await new Promise((resolve) => setTimeout(resolve, 250));
  t.same(report.events, []);
  stream.end('at last');
  t.match(await done, { status: 204, error: undefined });
});

await t.test('an upload the upstream does not take: response_timeout', async (t) => {
  const { url } = await startRawUpstream(t, (socket) => void socket.pause());
  const stream = Readable.from(Array.from({ length: 1000 }, () => Buffer.alloc(65_536)));
  const pool = openPool(t, url, { responseTimeout: 100 });
  t.match(await send(pool, chunked, { framing: 'chunked', stream }).done, { error: 'response_timeout' });
});

// A 100 lifts the deadline, since then it is the client's turn. One sent while the upstream had stopped reading lifted
// the deadline that it was under for that: with no room to write and nothing to read, nothing ever ended the exchange.
await t.test('100 does not excuse an upstream that takes nothing', async (t) => {
  const { url } = await startRawUpstream(t, (socket) => {
    socket.pause();
    setTimeout(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 30);
  });
  const stream = Readable.from(Array.from({ length: 1000 }, () => Buffer.alloc(65_536)));
  const pool = openPool(t, url, { responseTimeout: 150 });
  const { error, informational } = await send(pool, chunked, { framing: 'chunked', stream }).done;
  t.same(informational, [100]);
  t.equal(error, 'response_timeout');
});

await t.test('a body held for a 100 that never comes: response_timeout', async (t) => {
  const { url } = await startRawUpstream(t, () => {});
  const pool = openPool(t, url, { responseTimeout: 100 });
  const body = { framing: 'chunked' as const, stream: silent(), held: true };
  t.match(await send(pool, chunked, body).done, { error: 'response_timeout' });
});

await t.test('a tunnel in which nothing moves: idle_timeout', async (t) => {
  const { url } = await startRawUpstream(t, (socket) =>
    socket.once('data', () =>
      socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n'),
    ),
  );
  const tunnel = { framing: 'tunnel' as const, stream: silent(), protocol: 'websocket' };
  const pool = openPool(t, url, { idleTimeout: 100 });
  t.match(await send(pool, {}, tunnel).done, { events: ['head', 'error'], error: 'idle_timeout' });
});
