import { PassThrough } from 'node:stream';
import t, { type Test } from 'tap';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { data, flags, headers, reset, types } from '../support/frames.ts';
import { goAway, startFrameUpstream, type Talk } from '../support/http2-upstream.ts';
import type { UpstreamPool } from '../../src/upstream/pool.ts';

const http2 = { http2: true };
const refused = 7;
const ok = (stream: number) =>
  Buffer.concat([headers(stream, [[':status', '200']], false), data(stream, 'ok')]);

/** Answers requests when they have come whole, but does as `first` says with the first. */
function startFirst(t: Test, first: Talk) {
  let before = true;
  return startFrameUpstream(t, (frame, reply, socket) => {
    if (frame.type === types.headers && before) {
      before = false;
      first(frame, reply, socket);
    } else if (frame.type <= types.headers && (frame.flags & flags.endStream) !== 0) reply(ok(frame.stream));
  });
}

/** Sends a POST, and the body, where it has one, once the request is sent again. */
async function post(pool: UpstreamPool, hasBody: boolean) {
  const stream = new PassThrough();
  const { exchange, done } = send(
    pool,
    { method: 'POST' },
    hasBody ? { framing: 'chunked', stream } : undefined,
  );
  await until(() => exchange.resends === 1, 'that it is sent again');
  stream.end('late');
  return done;
}

for (const [what, hasBody] of Object.entries({ 'no body': false, 'a body that has yet to begin': true })) {
  await t.test(`a request with ${what} is sent again when its stream is refused`, async (t) => {
    const upstream = await startFirst(t, ({ stream }, reply) => void reply(reset(stream, refused)));
    const pool = openPool(t, upstream.url, http2);
    t.match(await post(pool, hasBody), { status: 200, body: 'ok' });
    t.equal(upstream.connections(), 2, 'to another session');
    t.equal(pool.counts().replays, 1);
  });

  await t.test(`and when GOAWAY says that it was not looked at: ${what}`, async (t) => {
    const upstream = await startFirst(t, (_frame, reply) => void reply(goAway(0)));
    const pool = openPool(t, upstream.url, http2);
    t.match(await post(pool, hasBody), { status: 200, body: 'ok' });
    t.equal(upstream.connections(), 2);
    t.equal(pool.counts().replays, 1);
  });
}

await t.test('a body that waited is sent whole with the request that is sent again', async (t) => {
  const upstream = await startFirst(t, (_frame, reply) => void reply(goAway(0)));
  const pool = openPool(t, upstream.url, http2);
  const stream = new PassThrough();
  const { done } = send(pool, { method: 'POST' }, { framing: 'chunked', stream });
  await until(() => pool.counts().replays === 1, 'that it is sent again');
  stream.end('all of it');
  t.match(await done, { status: 200 });
  const sent = upstream.frames.filter(({ type }) => type === types.data).map(({ payload }) => payload);
  t.equal(Buffer.concat(sent).toString(), 'all of it');
});

await t.test('not when a part of its body is gone', async (t) => {
  const upstream = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type === types.data) reply(reset(stream, refused));
  });
  const pool = openPool(t, upstream.url, http2);
  const stream = new PassThrough();
  stream.write('part');
  t.match(await send(pool, { method: 'PUT' }, { framing: 'chunked', stream }).done, { error: 'reset' });
  t.equal(pool.counts().replays, 0);
});

await t.test('nor a second time', async (t) => {
  const upstream = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type === types.headers) reply(reset(stream, refused));
  });
  const pool = openPool(t, upstream.url, http2);
  t.match(await send(pool).done, { error: 'reset' });
  t.equal(pool.counts().replays, 1);
});

await t.test('what GOAWAY leaves is answered, and what comes after it goes elsewhere', async (t) => {
  const upstream = await startFirst(t, ({ stream }, reply) => void reply(goAway(stream)));
  const pool = openPool(t, upstream.url, http2);
  const first = send(pool);
  await until(() => upstream.frames.some(({ type }) => type === types.goAway), 'an answer to GOAWAY');
  t.match(await send(pool).done, { status: 200 });
  t.equal(upstream.connections(), 2);
  const [socket] = upstream.sockets;
  socket?.write(ok(1));
  t.match(await first.done, { status: 200, body: 'ok' });
  t.equal(pool.counts().replays, 0);
  await until(() => upstream.sockets.size === 1, 'the end of the first session');
});

/** Kills the session at the second request on it; what `fates` says becomes of that request. */
const deaths: Record<string, Talk> = {
  'an end': (_frame, _reply, socket) => socket.end(),
  'a reset': (_frame, _reply, socket) => socket.resetAndDestroy(),
  'GOAWAY with an error': ({ stream }, reply) => void reply(goAway(stream, 2)),
};
for (const [what, die] of Object.entries(deaths))
  await t.test(`a session that had served and dies by ${what}`, async (t) => {
    let asked = 0;
    const upstream = await startFrameUpstream(t, (frame, reply, socket) => {
      if (frame.type !== types.headers) return;
      asked += 1;
      if (asked % 2 === 0) die(frame, reply, socket);
      else reply(ok(frame.stream));
    });
    const pool = openPool(t, upstream.url, http2);
    t.match(await send(pool).done, { status: 200 });
    t.match(await send(pool).done, { status: 200 }, 'a GET is sent again');
    t.match(await send(pool, { method: 'POST' }).done, { error: 'reset' }, 'a POST is not');
    t.equal(pool.counts().replays, 1);
  });

await t.test('one that dies before it has served anything', async (t) => {
  const upstream = await startFrameUpstream(t, ({ type }, _reply, socket) => {
    if (type === types.headers) socket.resetAndDestroy();
  });
  const pool = openPool(t, upstream.url, http2);
  t.match(await send(pool).done, { error: 'reset' });
  t.equal(upstream.connections(), 1);
});

await t.test('one that dies within an answer', async (t) => {
  let asked = 0;
  const upstream = await startFrameUpstream(t, ({ type, stream }, reply, socket) => {
    if (type !== types.headers) return;
    asked += 1;
    if (asked === 1) reply(ok(stream));
    else socket.end(headers(stream, [[':status', '200']], false));
  });
  const pool = openPool(t, upstream.url, http2);
  await send(pool).done;
  t.match(await send(pool).done, { status: 200, error: 'reset' });
  t.equal(pool.counts().replays, 0);
});

await t.test('no more is sent again than the budget has', async (t) => {
  const upstream = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type === types.headers) reply(reset(stream, refused));
  });
  const pool = openPool(t, upstream.url, http2);
  const all = await Promise.all(Array.from({ length: 40 }, () => send(pool).done));
  t.ok(all.every(({ error }) => error === 'reset'));
  t.ok(pool.counts().replays <= 20, `${pool.counts().replays}`);
});
