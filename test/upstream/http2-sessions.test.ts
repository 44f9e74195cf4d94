import t from 'tap';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { headers, settings, types } from '../support/frames.ts';
import { startFrameUpstream, startHttp2Upstream } from '../support/http2-upstream.ts';
import { startRawUpstream, unusedPort } from '../support/upstream.ts';

const http2 = { http2: true };
const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

await t.test('exchanges share a session, from the very first', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const pool = openPool(t, upstream.url, http2);
  const first = await Promise.all(times(50, () => send(pool).done));
  const later = await send(pool).done;
  t.ok([...first, later].every(({ status }) => status === 200));
  t.equal(upstream.connections(), 1);
  t.match(pool.counts(), { active: 0, idle: 1, connects: 1, waiting: 0, replays: 0 });
  t.equal(later.timings.connect, undefined, 'it did not wait for a connection');
  t.ok((first[49]?.timings.connect ?? 0) > 0);
});

await t.test('as many as the upstream takes, then on another session', async (t) => {
  const upstream = await startHttp2Upstream(t, () => {}, { settings: { maxConcurrentStreams: 3 } });
  const pool = openPool(t, upstream.url, { ...http2, maxConnections: 2, queue: 1 });
  const sent = times(7, () => send(pool));
  await until(() => upstream.seen.length === 6, 'six requests');
  t.match(pool.counts(), { active: 2, idle: 0, waiting: 1, connects: 2 });
  t.match(await send(pool).done, { error: 'upstream_busy' }, 'and no more than may wait');
  const perSession = [...upstream.sessions].map(
    (session) => upstream.seen.filter(({ stream }) => stream.session === session).length,
  );
  t.strictSame(perSession, [3, 3]);
  upstream.seen[0]?.stream.respond({}, { endStream: true });
  await until(() => upstream.seen.length === 7, 'the one that waited');
  t.equal(pool.counts().waiting, 0);
  for (const { stream } of upstream.seen.slice(1)) stream.respond({}, { endStream: true });
  for (const { done } of sent) t.match(await done, { status: 200 });
});

await t.test('a place in the queue expires, and can be left', async (t) => {
  const upstream = await startHttp2Upstream(t, () => {}, { settings: { maxConcurrentStreams: 1 } });
  const pool = openPool(t, upstream.url, { ...http2, maxConnections: 1, connectTimeout: 100 });
  send(pool);
  await until(() => upstream.seen.length === 1, 'the first');
  const waits = send(pool);
  const leaves = send(pool);
  leaves.exchange.abort();
  t.match(await waits.done, { error: 'upstream_busy' });
  t.strictSame(leaves.report.events, []);
  t.equal(pool.counts().waiting, 0);
});

await t.test('an upstream may take more, or fewer, as time goes by', async (t) => {
  const upstream = await startHttp2Upstream(t, () => {}, { settings: { maxConcurrentStreams: 1 } });
  const pool = openPool(t, upstream.url, { ...http2, maxConnections: 1 });
  times(3, () => send(pool));
  await until(() => upstream.seen.length === 1 && pool.counts().waiting === 2, 'one, and two that wait');
  for (const session of upstream.sessions) session.settings({ maxConcurrentStreams: 3 });
  await until(() => upstream.seen.length === 3, 'all three');
});

// Between the two settings there is no way to know: such an upstream refuses, which is no failure.
await t.test('one that takes none for a while', async (t) => {
  const upstream = await startFrameUpstream(
    t,
    ({ type, stream }, reply) =>
      void (type === types.headers && reply(headers(stream, [[':status', '204']]))),
    { 3: 0 },
  );
  const pool = openPool(t, upstream.url, { ...http2, maxConnections: 1 });
  const { done } = send(pool);
  await until(() => pool.counts().waiting === 1, 'it waits');
  for (const socket of upstream.sockets) socket.write(settings({ 3: 1 }));
  t.match(await done, { status: 204 });
});

await t.test('a session that fell idle is closed, politely', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const pool = openPool(t, upstream.url, http2);
  await send(pool).done;
  pool.retire();
  await until(() => upstream.sessions.size === 0, 'its end');
  t.match(pool.counts(), { idle: 0, active: 0 });
});

await t.test('a pool that is retired ends with what it carries', async (t) => {
  const upstream = await startHttp2Upstream(t, () => {});
  const pool = openPool(t, upstream.url, http2);
  const { done } = send(pool);
  await until(() => upstream.seen.length === 1, 'the request');
  pool.retire();
  await sleep(20);
  t.equal(upstream.sessions.size, 1);
  upstream.seen[0]?.stream.respond({}, { endStream: true });
  t.match(await done, { status: 200 });
  await until(() => upstream.sessions.size === 0, 'its end');
});

await t.test('one that is cut fails what it has, at once, and takes no more', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}), {
    settings: { maxConcurrentStreams: 1 },
  });
  const pool = openPool(t, upstream.url, { ...http2, maxConnections: 1 });
  const under = send(pool);
  await until(() => under.report.status === 200, 'a head');
  const waits = send(pool);
  pool.destroy();
  t.match([under.report.error, waits.report.error], ['shutting_down', 'shutting_down']);
  t.match(await send(pool).done, { error: 'shutting_down' });
  await until(() => upstream.sessions.size === 0, 'its end');
});

await t.test('an event stream takes the place of no request', async (t) => {
  const upstream = await startHttp2Upstream(
    t,
    (stream, { headers: { ':path': path } }) =>
      stream.respond({ 'content-type': path === '/events' ? 'text/event-stream' : 'a/b' }),
    { settings: { maxConcurrentStreams: 1 } },
  );
  const pool = openPool(t, upstream.url, { ...http2, maxConnections: 1, maxTunnels: 2, queue: 0 });
  const events = () => send(pool, { path: '/events' });
  const first = events();
  await until(() => first.report.status === 200, 'an event stream');
  const second = events();
  await until(() => second.report.status === 200, 'another');
  t.match(pool.counts(), { tunnels: 2, active: 0 });
  t.match(await events().done, { error: 'too_many_tunnels' });
  await until(() => upstream.seen[2]?.code === 8, 'that it is cancelled');
  const other = send(pool, { path: '/' });
  await until(() => other.report.status === 200, 'an answer');
  first.exchange.abort();
  t.equal(pool.counts().tunnels, 1);
});

await t.test('an upstream that is not there, or does not begin', async (t) => {
  const gone = openPool(t, `http://127.0.0.1:${await unusedPort()}`, http2);
  const failures = await Promise.all(times(3, () => send(gone).done));
  t.match(
    failures,
    times(3, () => ({ error: 'connect_refused' })),
  );
  const { url } = await startRawUpstream(t, () => {});
  t.match(await send(openPool(t, url, { ...http2, connectTimeout: 50 })).done, { error: 'connect_timeout' });
});

await t.test('one that speaks HTTP/1.1 is told from one that is late', async (t) => {
  const { url } = await startRawUpstream(t, (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n')),
  );
  const pool = openPool(t, url, { ...http2, connectTimeout: 100 });
  t.match(await send(pool).done, { error: 'no_http2' });
});
