import t from 'tap';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { flags, frame, headers, settings, types, type Field } from '../support/frames.ts';
import { startFrameUpstream, type Talk } from '../support/http2-upstream.ts';

const http2 = { http2: true };
const ok: Field = [':status', '200'];
const many = <T>(count: number, one: T): T[] => Array.from({ length: count }, () => one);

/**
 * Node 20 ends what it finds to be no HTTP/2 without a word: deadlines, and sessions that are not used while they are
 * silent, are what is left there. Later ones tell.
 */
const untold = process.version.startsWith('v20.') ? '|response_timeout|idle_timeout' : '';
const cut = new RegExp(`^(bad_response|reset${untold})$`);

/** Answers that are none: a request that gets one fails, and those that come after it are served. */
const malformed: Record<string, (stream: number) => Buffer> = {
  'a status of 101': (id) => headers(id, [[':status', '101']], false),
  'a status of two digits': (id) => headers(id, [[':status', '99']]),
  'a status of 099': (id) => headers(id, [[':status', '099']]),
  'a status of 000 before others': (id) =>
    Buffer.concat([headers(id, [[':status', '000']], false), headers(id, [ok])]),
  'a status of four digits': (id) => headers(id, [[':status', '1000']]),
  'no status': (id) => headers(id, [['a', 'b']]),
  'two statuses': (id) => headers(id, [ok, ok]),
  'a status behind other fields': (id) => headers(id, [['a', 'b'], ok]),
  "a request's pseudo-header": (id) => headers(id, [ok, [':path', '/']]),
  Connection: (id) => headers(id, [ok, ['connection', 'close']]),
  'Transfer-Encoding': (id) => headers(id, [ok, ['transfer-encoding', 'chunked']]),
  'a name in upper case': (id) => headers(id, [ok, ['X-Upper', '1']]),
  'two Content-Lengths': (id) => headers(id, [ok, ['content-length', '0'], ['content-length', '0']]),
  'a Content-Length that is none': (id) => headers(id, [ok, ['content-length', '-1']]),
  'a pseudo-header in trailers': (id) => Buffer.concat([headers(id, [ok], false), headers(id, [ok])]),
  'data before a head': (id) => frame(types.data, flags.endStream, id, 'x'),
  'data of a 204': (id) =>
    Buffer.concat([headers(id, [[':status', '204']], false), frame(types.data, flags.endStream, id, 'x')]),
};
for (const [what, answer] of Object.entries(malformed))
  await t.test(`an answer with ${what} fails`, async (t) => {
    let before = true;
    const { url } = await startFrameUpstream(t, ({ type, stream }, reply) => {
      if (type !== types.headers) return;
      reply(before ? answer(stream) : headers(stream, [ok]));
      before = false;
    });
    const pool = openPool(t, url, { ...http2, responseTimeout: 200 });
    t.match((await send(pool).done).error, cut);
    t.match(await send(pool).done, { status: 200, error: undefined });
  });

// Node leaves such a field out, and does not say so. What counts is that it goes no further.
await t.test('a value that could split a head does not get through', async (t) => {
  const values = ['a\r\nset-cookie: b', 'a\nb', 'a\rb', 'a\0b', '\x01', ' a', 'a\x7f'];
  const { url } = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type === types.headers)
      reply(headers(stream, [ok, ...values.map((value): Field => ['x-split', value]), ['x-last', '1']]));
  });
  const { headers: got, error } = await send(openPool(t, url, http2)).done;
  if (error === undefined) t.strictSame(got, ['x-last', '1']);
  else t.equal(error, 'bad_response');
});

/** What would cost memory or time for as long as it lasts, and is answered by dropping the session. */
const floods: Record<string, Talk> = {
  'informational heads': ({ stream }, reply) =>
    void reply(
      ...many(
        2000,
        headers(
          stream,
          [
            [':status', '103'],
            ['link', `<${'a'.repeat(50)}>`],
          ],
          false,
        ),
      ),
    ),
  'a head of many fields': ({ stream }, reply) =>
    void reply(headers(stream, [ok, ...many(15_000, ['a', 'b'] as const)])),
  'a head of a long field': ({ stream }, reply) =>
    void reply(headers(stream, [ok, ['a', 'b'.repeat(70_000)]])),
  CONTINUATION: ({ stream }, reply) => {
    reply(frame(types.headers, 0, stream, headers(stream, [ok]).subarray(9)));
    for (let i = 0; i < 1000; i += 1)
      reply(frame(types.continuation, 0, stream, Buffer.from([0, 1, 97, 1, 98])));
  },
  'CONTINUATION without a byte': ({ stream }, reply) => {
    reply(frame(types.headers, 0, stream, headers(stream, [ok]).subarray(9)));
    for (let i = 0; i < 1000; i += 1) reply(frame(types.continuation, 0, stream));
  },
  // Four kilobytes enter HPACK's table once, and each further byte of the head stands for them.
  'fields out of the table of HPACK': ({ stream }, reply) => {
    const entry = Buffer.concat([Buffer.from([0x40, 1, 0x61, 127, 0x81, 0x1e]), Buffer.alloc(4000, 'b')]);
    const block = Buffer.concat([headers(stream, [ok]).subarray(9), entry, Buffer.alloc(12_000, 0xbe)]);
    reply(frame(types.headers, flags.endHeaders | flags.endStream, stream, block));
  },
  trailers: ({ stream }, reply) =>
    void reply(headers(stream, [ok], false), headers(stream, [['a', 'b'.repeat(70_000)]])),
  'a promise of a push': ({ stream }, reply) => {
    const promised = Buffer.from([0, 0, 0, 2]);
    const request: Field[] = [
      [':method', 'GET'],
      [':path', '/'],
      [':scheme', 'http'],
      [':authority', 'a'],
    ];
    const block = headers(2, request).subarray(9);
    reply(frame(5, flags.endHeaders, stream, Buffer.concat([promised, block])));
  },
  'a frame that is too long': ({ stream }, reply) =>
    void reply(frame(types.data, 0, stream, Buffer.alloc(20_000))),
};
for (const [what, talk] of Object.entries(floods))
  await t.test(`a flood of ${what} is cut off`, async (t) => {
    const before = process.memoryUsage.rss();
    const upstream = await startFrameUpstream(t, (one, reply, socket) => {
      if (one.type === types.headers) talk(one, reply, socket);
    });
    const pool = openPool(t, upstream.url, { ...http2, responseTimeout: 300, idleTimeout: 300 });
    const { error } = await send(pool).done;
    t.match(error, cut);
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    t.ok(grown < 100, `grown by ${Math.round(grown)} MB`);
  });

await t.test('data that nobody reads is not taken beyond its window', async (t) => {
  const upstream = await startFrameUpstream(t, ({ type, stream }, reply) => {
    if (type !== types.headers) return;
    reply(headers(stream, [ok], false));
    for (let i = 0; i < 6000; i += 1) reply(frame(types.data, 0, stream, Buffer.alloc(16_384)));
  });
  const pool = openPool(t, upstream.url, { ...http2, idleTimeout: 300 });
  let taken = 0;
  const onData = (chunk: Buffer) => {
    taken += chunk.length;
    return false;
  };
  t.match((await send(pool, {}, undefined, { onData }).done).error, /^(bad_response|reset|client_stalled)$/);
  t.ok(taken < 256 * 1024, `${taken}`);
});

/** What an upstream that is asked for nothing may send for ever. */
const chatter: Record<string, Buffer> = {
  PING: Buffer.concat(many(1000, frame(types.ping, 0, 0, Buffer.alloc(8)))),
  SETTINGS: Buffer.concat(many(1000, settings({ 3: 100 }))),
  'empty DATA': Buffer.concat(many(1000, frame(types.data, 0, 1))),
  WINDOW_UPDATE: Buffer.concat(many(1000, frame(types.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1])))),
  'a frame of an unknown type': Buffer.concat(many(1000, frame(99, 0, 0, Buffer.alloc(8)))),
};
for (const [what, bytes] of Object.entries(chatter))
  await t.test(`${what} without end holds up no deadline`, async (t) => {
    const upstream = await startFrameUpstream(t, ({ type, stream }, reply, socket) => {
      if (type !== types.headers) return;
      reply(headers(stream, [ok], false));
      // It never reads, so that whatever acknowledges these waits.
      socket.pause();
      const flood = () => {
        if (!socket.destroyed && socket.write(bytes)) setImmediate(flood);
        else socket.once('drain', flood);
      };
      flood();
    });
    const pool = openPool(t, upstream.url, { ...http2, idleTimeout: 200 });
    const before = process.memoryUsage.rss();
    t.match((await send(pool).done).error, /^(idle_timeout|bad_response|reset)$/);
    pool.destroy();
    await until(
      () => upstream.sockets.size === 0 || [...upstream.sockets].every((one) => one.destroy()),
      'its end',
    );
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    t.ok(grown < 150, `grown by ${Math.round(grown)} MB`);
  });
