import t, { type Test } from 'tap';
import { Readable } from 'node:stream';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

const ok = (headers = '') => `HTTP/1.1 200 OK\r\n${headers}Content-Length: 2\r\n\r\nok`;

/** Answers each request with `answer`, and ends when the other side does. */
const startAnswering = (t: Test, answer: string) =>
  startRawUpstream(t, (socket) =>
    socket.on('data', () => socket.write(answer, 'latin1')).on('end', () => socket.end()),
  );

/** How many connections three requests take, one after the other. */
async function connectionsFor(t: Test, answer: string, method = 'GET'): Promise<number> {
  const { url, connections } = await startAnswering(t, answer);
  const pool = openPool(t, url);
  for (let i = 0; i < 3; i += 1) t.match(await send(pool, { method }).done, { error: undefined });
  return connections();
}

await t.test('a connection is used again when its answer ended cleanly, and only then', async (t) => {
  const reused = [
    ok(),
    ok('Connection: keep-alive\r\n'),
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n',
    'HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok',
  ];
  const once = [
    ok('Connection: close\r\n'),
    ok('Connection: x, Close\r\n'),
    'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
    // RFC 9112 §9.3: close is looked for first.
    'HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n',
    `${ok()}HTTP/1.1 200 OK\r\n`,
    `${ok()}\r\n`,
  ];
  for (const answer of reused) t.equal(await connectionsFor(t, answer), 1, JSON.stringify(answer));
  for (const answer of once) t.equal(await connectionsFor(t, answer), 3, JSON.stringify(answer));
});

// An upstream that closes just as a request is sent costs the client a 502 wherever it cannot be sent again. So a
// hint is kept to, with a second to spare; one that says nothing usable must not cost every exchange a connection.
await t.test('the upstream says how long it keeps a connection', async (t) => {
  const hinted = (value: string) => connectionsFor(t, ok(`Keep-Alive: ${value}\r\n`));
  for (const none of ['timeout=0', 'timeout=1', 'max=5, timeout=1', 'Timeout=01'])
    t.equal(await hinted(none), 3, `${none}: not used again`);
  for (const long of [
    'timeout=5',
    'timeout=5, max=1000',
    `timeout=${'9'.repeat(400)}`,
    'max=1000',
    '300',
    'timeout=x',
  ])
    t.equal(await hinted(long), 1, `${long}: used again`);
});

await t.test('an idle connection is closed when its time is over, unasked', async (t) => {
  const { url, sockets } = await startAnswering(t, ok('Keep-Alive: timeout=2\r\n'));
  await send(openPool(t, url, { connectTimeout: 100 })).done;
  const idleSince = performance.now();
  await until(() => sockets.size === 0, 'closed');
  const idle = performance.now() - idleSince;
  t.ok(idle > 900 && idle < 2000, `after ${idle.toFixed(0)} ms`);
});

await t.test('the most recently used is used first, so that the others grow old', async (t) => {
  const { url, sockets } = await startRawUpstream(t, (socket) =>
    socket.on('data', () => setTimeout(() => socket.write(ok(`X-Port: ${socket.remotePort}\r\n`)), 20)),
  );
  const pool = openPool(t, url);
  const first = send(pool);
  const later = await new Promise<typeof first>((resolve) => setTimeout(() => resolve(send(pool)), 5));
  const [, last] = [await first.done, await later.done];
  for (let i = 0; i < 3; i += 1) t.same((await send(pool).done).headers, last.headers);
  t.equal(sockets.size, 2);
});

await t.test('bytes nobody asked for end an idle connection', async (t) => {
  const { url, sockets } = await startAnswering(t, ok());
  const pool = openPool(t, url);
  await send(pool).done;
  for (const socket of sockets) socket.write('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n');
  await until(() => sockets.size === 0, 'it is gone');
  t.match(await send(pool).done, { status: 200 });
});

// An upstream that answers without reading the body leaves it in our buffer. The next request would wait behind it.
await t.test('a connection with a request still to be written out is not used again', async (t) => {
  const { url, connections } = await startRawUpstream(t, (socket) => {
    socket.once('data', () => socket.pause().write(ok()));
  });
  const pool = openPool(t, url, { responseTimeout: 300 });
  const body = { framing: 'length' as const, stream: Readable.from([Buffer.alloc(8_000_000)]) };
  const head = { method: 'POST', headers: ['Host', 'a', 'Content-Length', '8000000'] };
  t.match(await send(pool, head, body).done, { body: 'ok' });
  t.match(await send(pool).done, { body: 'ok', error: undefined });
  t.equal(connections(), 2);
});
