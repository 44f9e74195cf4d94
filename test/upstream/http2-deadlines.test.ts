import { PassThrough } from 'node:stream';
import t from 'tap';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { headers, settings, types } from '../support/frames.ts';
import { startFrameUpstream, startHttp2Upstream } from '../support/http2-upstream.ts';

const http2 = { http2: true };

await t.test('an answer that is late, and one that falls silent', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, { headers: { ':path': path } }) => {
    if (path === '/silent') stream.respond({});
  });
  const pool = openPool(t, upstream.url, { ...http2, responseTimeout: 60, idleTimeout: 60 });
  const late = send(pool, { path: '/late' });
  const silent = send(pool, { path: '/silent' });
  t.match(await late.done, { error: 'response_timeout', status: undefined });
  t.match(await silent.done, { error: 'idle_timeout', status: 200 });
  await until(() => upstream.seen.every(({ code }) => code === 8), 'that both are cancelled');
});

await t.test('a client that does not read is not the upstream being silent', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.end(Buffer.alloc(1_000_000)));
  const pool = openPool(t, upstream.url, { ...http2, idleTimeout: 60 });
  t.match(await send(pool, {}, undefined, { onData: () => false }).done, { error: 'client_stalled' });
});

await t.test('while the client is to send, the upstream is not late', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.on('end', () => stream.respond({}, { endStream: true }));
  });
  const pool = openPool(t, upstream.url, { ...http2, responseTimeout: 50 });
  const stream = new PassThrough();
  const { done, report } = send(pool, { method: 'POST' }, { framing: 'chunked', stream });
  const start = performance.now();
  await until(() => performance.now() - start > 150, 'three times as long');
  t.strictSame(report.events, []);
  stream.end('at last');
  t.match(await done, { status: 200 });
});

await t.test('an upstream that does not take the body is late', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.pause());
  const pool = openPool(t, upstream.url, { ...http2, responseTimeout: 80 });
  const stream = new PassThrough();
  stream.write(Buffer.alloc(1_000_000));
  const { done } = send(
    pool,
    { method: 'POST', headers: ['Host', 'a', 'x-read-body', 'no'] },
    { framing: 'chunked', stream },
  );
  t.match(await done, { error: 'response_timeout' });
});

// An upstream that is gone without a word would have every request wait, and all those that come after it.
await t.test('a session that says nothing gets no more, once it is late', async (t) => {
  const upstream = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type === types.headers && upstream.connections() > 1) reply(headers(stream, [[':status', '204']]));
  });
  const pool = openPool(t, upstream.url, { ...http2, connectTimeout: 60 });
  const stuck = Array.from({ length: 20 }, () => send(pool));
  await until(() => upstream.frames.length > 20, 'requests on the first session');
  await until(() => {
    stuck.push(send(pool));
    return stuck.some(({ report }) => report.status === 204);
  }, 'an answer on another session');
  t.equal(upstream.connections(), 2);
});

await t.test('a slow one that still speaks gets more', async (t) => {
  const upstream = await startFrameUpstream(t, ({ type, stream }, reply, socket) => {
    if (type !== types.headers) return;
    if (stream > 1) reply(headers(stream, [[':status', '204']]));
    else {
      const timer = setInterval(() => socket.write(settings()), 10);
      socket.on('close', () => clearInterval(timer));
    }
  });
  const pool = openPool(t, upstream.url, { ...http2, connectTimeout: 60 });
  send(pool);
  const start = performance.now();
  while (performance.now() - start < 200) t.match(await send(pool).done, { status: 204 });
  t.equal(upstream.connections(), 1);
});
