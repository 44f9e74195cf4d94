import t from 'tap';
import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { startRawUpstream } from '../support/upstream.ts';

const agrees = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const stream = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
const short = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** Answers by the path asked for, on every request of a connection. */
const startByPath = (t: Parameters<typeof startRawUpstream>[0], answers: Record<string, string>) =>
  startRawUpstream(t, (socket) =>
    socket.on('data', (chunk) => {
      const answer = answers[chunk.toString('latin1').split(' ')[1] ?? ''];
      if (answer !== undefined) socket.write(answer);
    }),
  );

const tunnelOver = (stream: PassThrough) => ({ framing: 'tunnel' as const, stream, protocol: 'websocket' });

await t.test('a tunnel carries what came with its head, and both ways end apart', async (t) => {
  let server: Socket | undefined;
  const upstream = await startRawUpstream(t, (socket) => {
    server = socket;
    socket.once('data', () => socket.end(`${agrees}hello`));
  });
  const client = new PassThrough();
  const { report } = send(openPool(t, upstream.url), {}, tunnelOver(client));
  await until(() => report.events.includes('end'), 'the upstream has said all it had');
  t.match(report, { status: 101, body: 'hello', events: ['head', 'data', 'end'] });
  let heard = '';
  server?.on('data', (chunk) => (heard += chunk.toString('latin1')));
  client.write('still ');
  client.end('here');
  await until(() => upstream.sockets.size === 0, 'the connection ends once both have');
  t.equal(heard, 'still here');
});

await t.test(
  'an event stream or a tunnel gives its place to who waits, and takes none while it lasts',
  async (t) => {
    for (const [path, body] of [
      ['/events', undefined],
      ['/tunnel', tunnelOver(new PassThrough())],
    ] as const) {
      const upstream = await startByPath(t, { '/events': stream, '/tunnel': agrees, '/': short });
      const pool = openPool(t, upstream.url, { maxConnections: 1 });
      const endless = send(pool, { path }, body);
      t.match(await send(pool).done, { body: 'ok' }, `${path}: the one that waited`);
      t.match(await send(pool).done, { body: 'ok' });
      t.same(endless.report.events, ['head'], 'it is still open');
      t.equal(upstream.connections(), 2);
    }
  },
);

await t.test('over their number they are refused, and once one has ended there is room again', async (t) => {
  const upstream = await startByPath(t, { '/events': stream, '/tunnel': agrees });
  const pool = openPool(t, upstream.url, { maxTunnels: 1 });
  const first = send(pool, { path: '/events' });
  await until(() => first.report.status, 'it stands');
  t.match(await send(pool, { path: '/events' }).done, { events: ['error'], error: 'too_many_tunnels' });
  const late = send(pool, { path: '/tunnel' }, tunnelOver(new PassThrough()));
  t.same(late.report.events, [], 'refused after it is known');
  t.match(await late.done, { error: 'too_many_tunnels' });
  first.exchange.abort();
  const next = send(pool, { path: '/events' });
  t.equal(await until(() => next.report.status, 'there is room'), 200);
});

// Answered with an event stream, a request for a tunnel was taken for a tunnel: after the stream had ended, the
// connection was kept for the other way, which nobody had opened, and failed when that had been silent for long.
await t.test('an event stream that answers a request for a tunnel ends when it ends', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () => socket.end(`${stream}data: 1\n\n`)),
  );
  const pool = openPool(t, upstream.url, { idleTimeout: 100, maxTunnels: 1 });
  const { done, exchange } = send(pool, {}, tunnelOver(new PassThrough()));
  t.match(await done, { status: 200, body: 'data: 1\n\n', error: undefined });
  t.type(exchange.timings.total, 'number');
  await until(() => upstream.sockets.size === 0, 'its connection is gone');
});

// An answer to HEAD has no body that could last; counted as if, it took a tunnel's place and cost its connection.
await t.test('the head of an event stream alone is an answer like any other', async (t) => {
  const upstream = await startByPath(t, { '/events': stream });
  const pool = openPool(t, upstream.url, { maxTunnels: 0 });
  for (let i = 0; i < 2; i += 1)
    t.match(await send(pool, { method: 'HEAD', path: '/events' }).done, { events: ['head', 'end'] });
  t.equal(upstream.connections(), 1);
});
