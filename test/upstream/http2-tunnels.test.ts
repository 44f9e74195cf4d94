import { PassThrough } from 'node:stream';
import t, { type Test } from 'tap';
import { until } from '../support/client.ts';
import { openPool, send } from '../support/exchange.ts';
import { data, headers, reset, types } from '../support/frames.ts';
import { startFrameUpstream, startHttp2Upstream } from '../support/http2-upstream.ts';
import type { UpstreamPool } from '../../src/upstream/pool.ts';

const http2 = { http2: true };
const enabled = { settings: { enableConnectProtocol: true } };
/** The example of RFC 6455 §1.3. */
const handshake = ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version', '13'];

function dial(t: Test, pool: UpstreamPool) {
  const stream = new PassThrough();
  t.teardown(() => stream.destroy());
  const head = { path: '/chat', headers: ['Host', 'a', ...handshake] };
  return { stream, ...send(pool, head, { framing: 'tunnel', stream, protocol: 'websocket' }) };
}

await t.test('a WebSocket is asked for by extended CONNECT, and agreed to as in HTTP/1.1', async (t) => {
  const upstream = await startHttp2Upstream(
    t,
    (stream) => {
      stream.respond({ 'sec-websocket-protocol': 'chat' });
      stream.pipe(stream);
    },
    enabled,
  );
  const pool = openPool(t, upstream.url, http2);
  const { stream, report, done } = dial(t, pool);
  stream.write('early');
  await until(() => report.body === 'early', 'what was sent');
  t.match(report, { status: 101, reason: 'Switching Protocols' });
  t.match(report.headers.join('\n'), /sec-websocket-protocol\nchat\n/);
  t.match(report.headers.join('\n'), /Connection\nUpgrade\nUpgrade\nwebsocket\n/);
  t.match(report.headers.join('\n'), /Sec-WebSocket-Accept\ns3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
  t.match(upstream.seen[0]?.headers, {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'http',
    ':path': '/chat',
    ':authority': 'a',
    'sec-websocket-version': '13',
    'sec-websocket-key': undefined,
  });
  t.match(pool.counts(), { tunnels: 1, active: 0 });
  stream.end(' and last');
  t.match(await done, { body: 'early and last', error: undefined, events: ['head', 'data', 'end'] });
  t.match(pool.counts(), { tunnels: 0, idle: 1 });
});

await t.test('nothing is sent before it is agreed to', async (t) => {
  const upstream = await startHttp2Upstream(t, () => {}, enabled);
  const { stream, report } = dial(t, openPool(t, upstream.url, http2));
  stream.write('early');
  await until(() => upstream.seen.length === 1, 'the request');
  upstream.seen[0]?.stream.additionalHeaders({ ':status': 103 });
  await until(() => report.informational.length === 1, 'a word in between');
  t.equal(upstream.seen[0]?.body, '');
  upstream.seen[0]?.stream.respond({});
  await until(() => upstream.seen[0]?.body === 'early', 'what was sent');
});

await t.test('a refusal is an answer like any other', async (t) => {
  const upstream = await startHttp2Upstream(
    t,
    (stream) => {
      stream.respond({ ':status': 403 });
      stream.end('no');
    },
    enabled,
  );
  const pool = openPool(t, upstream.url, http2);
  t.match(await dial(t, pool).done, { status: 403, body: 'no', error: undefined });
  t.match(pool.counts(), { tunnels: 0 });
});

await t.test('an upstream that does not know of them', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}));
  t.match(await dial(t, openPool(t, upstream.url, http2)).done, { error: 'no_tunnel' });
  t.equal(upstream.seen.length, 0);
});

await t.test('each way ends by itself', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}), enabled);
  const ends = dial(t, openPool(t, upstream.url, http2));
  await until(() => ends.report.status === 101, 'agreement');
  upstream.seen[0]?.stream.end('bye');
  await until(() => ends.report.events.includes('end'), 'their end');
  t.equal(ends.report.body, 'bye');
  ends.stream.write('still here');
  await until(() => upstream.seen[0]?.body === 'still here', 'what was sent');
  ends.stream.end();
  await until(() => upstream.seen[0]?.code === 0, 'a clean end');
});

await t.test('a tunnel that breaks on our side', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}), enabled);
  const pool = openPool(t, upstream.url, http2);
  const aborted = dial(t, pool);
  const gone = dial(t, pool);
  await until(() => [aborted, gone].every(({ report }) => report.status === 101), 'agreement');
  aborted.exchange.abort();
  await until(() => upstream.seen[0]?.code === 8, 'a reset');
  gone.stream.destroy();
  t.match(await gone.done, { error: 'request_cut' });
  await until(() => upstream.seen[1]?.code === 8, 'a reset');
  t.match(pool.counts(), { tunnels: 0 });
});

await t.test('over their number they are refused', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => stream.respond({}), enabled);
  const pool = openPool(t, upstream.url, { ...http2, maxTunnels: 1 });
  const one = dial(t, pool);
  await until(() => one.report.status === 101, 'agreement');
  t.match(await dial(t, pool).done, { error: 'too_many_tunnels' });
  t.match(upstream.seen.length, 1);
});

await t.test('one that the upstream resets', async (t) => {
  const { url } = await startFrameUpstream(
    t,
    ({ type, stream }, reply) => {
      if (type === types.headers) reply(headers(stream, [[':status', '200']], false), reset(stream));
    },
    { 8: 1 },
  );
  t.match(await dial(t, openPool(t, url, http2)).done, { status: 101, error: 'reset' });
});

await t.test('one that is silent for too long ends', async (t) => {
  const { url } = await startFrameUpstream(
    t,
    ({ type, stream }, reply) => {
      if (type === types.headers)
        reply(headers(stream, [[':status', '200']], false), data(stream, 'hello', false));
    },
    { 8: 1 },
  );
  const { done } = dial(t, openPool(t, url, { ...http2, idleTimeout: 60 }));
  t.match(await done, { status: 101, body: 'hello', error: 'idle_timeout' });
});
