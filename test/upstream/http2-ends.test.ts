import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { data, flags, frame, headers, reset, types, type Field } from '../support/frames.ts';
import { startFrameUpstream, startHttp2Upstream } from '../support/http2-upstream.ts';

const http2 = { http2: true };
const ok: Field = [':status', '200'];
const part = (stream: number, ...more: Field[]) =>
  Buffer.concat([headers(stream, [ok, ...more], false), data(stream, 'part', false)]);

/** What becomes of a GET that is answered with some bytes. */
type Ends = [what: string, answer: (stream: number) => Buffer, report: Record<string, unknown>];

const ends: Ends[] = [
  ['data', (id) => Buffer.concat([part(id), data(id, '')]), { body: 'part', error: undefined }],
  ['trailers', (id) => Buffer.concat([part(id), headers(id, [['a', 'b']])]), { trailers: ['a', 'b'] }],
  ['a head alone', (id) => headers(id, [ok, ['grpc-status', '5']]), { body: '', events: ['head', 'end'] }],
  [
    'an end, and NO_ERROR after it',
    (id) => Buffer.concat([part(id), data(id, ''), reset(id, 0)]),
    { body: 'part', error: undefined },
  ],
  // It says that nothing went wrong, but not that this was all.
  ['NO_ERROR without an end', (id) => Buffer.concat([part(id), reset(id, 0)]), { error: 'reset' }],
  ['NO_ERROR without a head', (id) => reset(id, 0), { error: 'reset', status: undefined }],
  ['CANCEL', (id) => Buffer.concat([part(id), reset(id, 8)]), { status: 200, error: 'reset' }],
  ['INTERNAL_ERROR', (id) => reset(id, 2), { error: 'reset' }],
  ['HTTP_1_1_REQUIRED', (id) => reset(id, 13), { error: 'no_http2' }],
  [
    'less than its Content-Length',
    (id) => Buffer.concat([part(id, ['content-length', '5']), data(id, '')]),
    { status: 200, error: 'bad_response' },
  ],
  [
    'more than its Content-Length',
    (id) => Buffer.concat([part(id, ['content-length', '3']), data(id, '')]),
    { status: 200, error: 'bad_response' },
  ],
  [
    'NO_ERROR before its Content-Length',
    (id) => Buffer.concat([part(id, ['content-length', '5']), reset(id, 0)]),
    { status: 200, error: 'reset' },
  ],
];
for (const [what, answer, report] of ends)
  await t.test(`an answer that ends with ${what}`, async (t) => {
    const { url } = await startFrameUpstream(t, ({ type, stream }, reply) => {
      if (type === types.headers) reply(answer(stream));
    });
    const pool = openPool(t, url, http2);
    const sent = send(pool);
    t.match(await sent.done, report);
    t.equal(sent.exchange.whole, report['error'] === undefined);
    t.equal(pool.counts().replays, 0);
  });

await t.test('a connection that ends within an answer cuts it', async (t) => {
  const { url } = await startFrameUpstream(t, ({ type, stream }, _reply, socket) => {
    if (type === types.headers) socket.end(part(stream));
  });
  t.match(await send(openPool(t, url, http2)).done, { body: 'part', error: 'reset' });
});

const whole = (id: number) => [headers(id, [ok], false), data(id, 'a', false), data(id, 'b'.repeat(9000))];

// All of it is here: that the upstream is gone must not take it from a client that reads slowly.
await t.test('an answer that came whole outlives its connection', async (t) => {
  const { url, connections } = await startFrameUpstream(t, ({ type, stream }, _reply, socket) => {
    if (type === types.headers) socket.end(Buffer.concat(whole(stream)));
  });
  const pool = openPool(t, url, http2);
  const sent = send(pool, {}, undefined, { onData: () => false });
  await until(() => sent.report.body === 'a', 'the first of it');
  await until(async () => (await send(pool).done) && connections() > 1, 'that the first connection ended');
  while (sent.report.error === undefined && !sent.exchange.whole) {
    sent.exchange.resume();
    await setImmediate();
  }
  t.match(await sent.done, { error: undefined });
  t.equal(sent.report.body.length, 9001);
});

await t.test('an exchange that is aborted is cancelled at the upstream', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, { headers: { ':path': path } }) => {
    if (path === '/answered') stream.respond({});
    if (path === '/flowing') stream.write(Buffer.alloc(1_000_000));
  });
  const pool = openPool(t, upstream.url, http2);
  const ways = {
    '/silent': send(pool, { path: '/silent' }),
    '/answered': send(pool, { path: '/answered' }),
    '/held': send(pool, { path: '/flowing' }, undefined, { onData: () => false }),
    '/sending': send(
      pool,
      { path: '/sending', method: 'POST' },
      { framing: 'chunked', stream: new PassThrough() },
    ),
  };
  await until(() => upstream.seen.length === 4 && ways['/held'].report.body !== '', 'all of them');
  for (const { exchange, report } of Object.values(ways)) {
    exchange.abort();
    exchange.abort();
    report.events.length = 0;
  }
  await until(() => upstream.seen.every(({ code }) => code === 8), 'four resets');
  t.strictSame(
    Object.values(ways).map(({ report }) => report.events),
    [[], [], [], []],
  );
  t.equal(upstream.connections(), 1);
  t.match(pool.counts(), { active: 0, idle: 1 });
});

await t.test('one that is aborted while its session is begun never reaches the upstream', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}, { endStream: true }));
  const pool = openPool(t, upstream.url, http2);
  const { exchange } = send(pool, { path: '/aborted' });
  exchange.abort();
  t.match(await send(pool, { path: '/sent' }).done, { status: 200 });
  t.match(
    upstream.seen.map(({ headers }) => headers[':path']),
    ['/sent'],
  );
});

await t.test('an early answer ends the sending', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    stream.respond({ ':status': 413 });
    stream.end('enough');
  });
  const pool = openPool(t, upstream.url, http2);
  const stream = new PassThrough();
  stream.write('the beginning');
  const { done } = send(pool, { method: 'POST' }, { framing: 'chunked', stream });
  t.match(await done, { status: 413, body: 'enough', error: undefined });
  await until(() => upstream.seen[0]?.code !== undefined, 'the end of the stream');
  t.equal(stream.listenerCount('data'), 0);
  t.match(await send(pool).done, { status: 413 });
  t.equal(upstream.connections(), 1, 'which costs nobody a connection');
});

for (const framing of ['length', 'chunked'] as const)
  await t.test(`a body that is cut is never completed: ${framing}`, async (t) => {
    const { url, frames } = await startFrameUpstream(t, () => {});
    const stream = new PassThrough();
    stream.write('part');
    const { done } = send(openPool(t, url, http2), { method: 'POST' }, { framing, stream });
    await until(() => frames.some(({ type }) => type === types.data), 'a part');
    stream.destroy();
    t.match(await done, { error: 'request_cut' });
    await until(() => frames.some(({ type }) => type === types.rstStream), 'a reset');
    t.notOk(frames.some(({ type, flags: set }) => type <= types.headers && (set & flags.endStream) !== 0));
  });

await t.test('one stream that fails leaves the others be', async (t) => {
  const { url, connections } = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type !== types.headers) return;
    if (stream === 1) reply(headers(stream, [ok], false));
    else reply(reset(stream, 2), data(1, 'more', false));
  });
  const pool = openPool(t, url, http2);
  const lasting = send(pool);
  await until(() => lasting.report.status === 200, 'a head');
  t.match(await send(pool).done, { error: 'reset' });
  await until(() => lasting.report.body === 'more', 'more');
  t.equal(connections(), 1);
});

await t.test('frames of a stream that is over mean nothing', async (t) => {
  const { url } = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type === types.rstStream)
      reply(data(stream, 'late', false), frame(types.windowUpdate, 0, stream, Buffer.from([0, 0, 0, 9])));
    else if (type === types.headers) reply(headers(stream, [ok], stream > 1));
  });
  const pool = openPool(t, url, http2);
  const first = send(pool);
  await until(() => first.report.status === 200, 'a head');
  first.exchange.abort();
  for (let i = 0; i < 3; i += 1) t.match(await send(pool).done, { status: 200 });
  t.equal(pool.counts().connects, 1);
});
