import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import t, { type Test } from 'tap';
import { WebSocket } from 'ws';
import { readAnswer, request, until } from '../support/client.ts';
import { startHttp2Upstream, type Http2Upstream } from '../support/http2-upstream.ts';
import { startProxy, type Running } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const before = (t: Test, url: string, more = ''): Promise<Running> =>
  startProxy(
    t,
    `
listen: { address: 127.0.0.1:0, http2: true }
upstreams: { api: { url: "${url}", http2: true${more} } }
routes: [{ name: api, upstream: api }]
shutdown: { drain: 1s }
`,
  );

await t.test('a client of HTTP/1.1 is served by an upstream of HTTP/2', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream, { headers: { ':path': path } }) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>; rel=preload' });
    stream.respond({ 'x-path': path, 'set-cookie': ['a=1', 'b=2'] }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7' }));
    stream.pipe(stream);
  });
  const proxy = await before(t, upstream.url);
  const req = http.request({ port: proxy.port, method: 'POST', path: '/a//b?c', agent: false });
  const early: number[] = [];
  req.on('information', ({ statusCode }) => early.push(statusCode));
  req.setHeader('Trailer', 'X-Sent');
  req.write('hello ');
  req.addTrailers({ 'X-Sent': '1' });
  req.end('there');
  const [res] = (await once(req, 'response')) as [http.IncomingMessage];
  const answer = await readAnswer(res);
  t.match(answer, {
    status: 200,
    reason: 'OK',
    body: 'hello there',
    cut: false,
    headers: { 'x-path': '/a//b?c', 'set-cookie': ['a=1', 'b=2'] },
    trailers: { 'x-sum': '7' },
  });
  t.strictSame(early, [103]);
  t.strictSame(upstream.seen[0]?.trailers, ['x-sent', '1']);
  t.match(upstream.seen[0]?.headers, {
    ':authority': new URL(upstream.url).host,
    'x-forwarded-for': '127.0.0.1',
    via: /^1\.1 /,
  });
  t.match(await proxy.accessLine(), { status: 200, upstream: 'api', error: undefined });
});

await t.test('an upstream that breaks off cuts the answer', async (t) => {
  const upstream = await startHttp2Upstream(t, (stream) => {
    // Else Node ends it properly before it resets it.
    stream.respond({}, { waitForTrailers: true });
    stream.write('part', () => setImmediate(() => stream.close(2)));
  });
  const proxy = await before(t, upstream.url);
  t.match(await request(proxy.port, '/'), { status: 200, body: 'part', cut: true });
  t.match(await proxy.accessLine(), { error: { code: 'reset', source: 'upstream' } });
});

await t.test('one that speaks HTTP/1.1 alone is a 502 that says so', async (t) => {
  const { url } = await startUpstream(t, (_req, res) => res.end());
  const { port } = await before(t, url, ', connectTimeout: 200ms');
  const { status, body } = await request(port, '/');
  t.equal(status, 502);
  t.match(JSON.parse(body), {
    type: 'urn:problem-type:trenchcoat:no-http2',
    title: 'The upstream does not speak HTTP/2',
  });
});

/** An upstream whose WebSockets send back what they are sent, in frames that are short and come whole. */
const startEcho = (t: Test): Promise<Http2Upstream> =>
  startHttp2Upstream(
    t,
    (stream, { headers }) => {
      t.equal(headers[':protocol'], 'websocket');
      stream.respond({ 'x-agreed': 'yes' });
      stream.on('data', (frame: Buffer) => {
        const [first = 0, second = 0] = frame;
        const mask = frame.subarray(2, 6);
        const payload = frame.subarray(6, 6 + (second & 0x7f)).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
        stream.write(Buffer.concat([Buffer.from([first, payload.length]), payload]));
        if (first === 0x88) stream.end();
      });
    },
    { settings: { enableConnectProtocol: true } },
  );

await t.test('a WebSocket of HTTP/1.1 goes through to it', async (t) => {
  const upstream = await startEcho(t);
  const proxy = await before(t, upstream.url);
  const ws = new WebSocket(`ws://127.0.0.1:${proxy.port}/chat`);
  await once(ws, 'open');
  ws.send('hello');
  const [data] = (await once(ws, 'message')) as [Buffer];
  t.equal(data.toString(), 'hello');
  ws.close(1000, 'bye');
  const [code] = (await once(ws, 'close')) as [number];
  t.equal(code, 1000);
  t.match(await proxy.accessLine(), { status: 101, error: undefined });
});

await t.test('and so does one of HTTP/2', async (t) => {
  const upstream = await startEcho(t);
  const proxy = await before(t, upstream.url);
  const session = http2.connect(`http://127.0.0.1:${proxy.port}`);
  t.teardown(() => session.destroy());
  await once(session, 'remoteSettings');
  const stream = session.request({
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':path': '/chat',
    'sec-websocket-version': '13',
  });
  let received = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => (received = Buffer.concat([received, chunk])));
  const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
  t.match(head, { ':status': 200, 'x-agreed': 'yes' });
  // A text of two letters, under a mask of noughts; and its echo, which bears no mask.
  stream.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  await until(() => received.equals(Buffer.from([0x81, 2, 0x68, 0x69])), 'the echo');
  stream.close(8);
  await until(() => upstream.seen[0]?.code === 8, 'that it is cancelled');
  t.match(await proxy.accessLine(), { status: 101 });
});

await t.test('without extended CONNECT there is no WebSocket, and a 502', async (t) => {
  const upstream = await startHttp2Upstream(t, () => {});
  const proxy = await before(t, upstream.url);
  const ws = new WebSocket(`ws://127.0.0.1:${proxy.port}/`);
  const [, res] = (await once(ws, 'unexpected-response')) as [unknown, http.IncomingMessage];
  t.equal(res.statusCode, 502);
  ws.on('error', () => {}).terminate();
  t.match(await proxy.accessLine(), { status: 502, error: { code: 'no_tunnel', source: 'upstream' } });
});

await t.test('sessions are shown as connections', async (t) => {
  const upstream = await startHttp2Upstream(t, () => {});
  const { port, adminPort } = await before(t, upstream.url);
  const client = http2.connect(`http://127.0.0.1:${port}`);
  t.teardown(() => client.destroy());
  for (let i = 0; i < 20; i += 1) client.request({ ':path': '/' }).on('error', () => {});
  await until(() => upstream.seen.length === 20, 'all of them');
  const { body } = await request(adminPort, '/metrics');
  t.match(body, 'trenchcoat_upstream_connections{upstream="api",state="active"} 1');
  t.match(body, 'trenchcoat_upstream_connects_total{upstream="api"} 1');
});
