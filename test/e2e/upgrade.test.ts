import t from 'tap';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a WebSocket is decided, stamped and tunnelled as a request is', async (t) => {
  const v0 = await startUpstream(t, (_req, res) => res.end());
  const v1 = await startUpstream(t, (_req, res) =>
    res.writeHead(403, 'No', { 'x-why': 'tired' }).end('not today'),
  );
  const sockets = new WebSocketServer({ server: v0.server, path: '/v0/fact/live' });
  t.teardown(() => sockets.close());
  sockets.on('connection', (socket, req) => {
    socket.send(
      JSON.stringify({ url: req.url, version: req.headers['x-api-version'], host: req.headers.host }),
    );
    socket.on('message', (data, binary) => socket.send(data, { binary }));
  });
  const proxy = await startProxy(t, flagged(`${v0.url}/v0`, v1.url), { 'flags.yaml': evenFlags });
  const url = `ws://127.0.0.1:${proxy.port}/fact/live`;

  await t.test('both directions, large messages, clean close', async (t) => {
    const client = new WebSocket(url, { headers: { cookie: 'uid=alice', 'x-request-id': 'ws-1' } });
    const [[answer], [hello]] = await Promise.all([once(client, 'upgrade'), once(client, 'message')]);
    t.equal(answer.headers['x-api-version'], '0');
    t.equal(answer.headers.vary, 'Cookie, x-user-id');
    t.same(JSON.parse(String(hello)), { url: '/v0/fact/live', version: '0', host: `127.0.0.1:${v0.port}` });
    const large = Buffer.alloc(3_000_000, 'raccoon');
    client.send(large);
    const [echo] = await once(client, 'message');
    t.ok(large.equals(echo), 'came back whole');
    client.close(1000, 'bye');
    const [code, reason] = await once(client, 'close');
    t.same([code, String(reason)], [1000, 'bye']);
    const line = await proxy.accessLine('ws-1');
    t.match(line, { status: 101, version: '0', upstream: 'v0' });
    t.ok(line.bytesIn > 3_000_000);
  });

  await t.test('a refusal is relayed with its status, headers and body', async (t) => {
    const answer = await request(proxy.port, '/fact/live', {
      headers: {
        cookie: 'uid=bob',
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
        'sec-websocket-version': '13',
      },
    });
    t.match(answer, { status: 403, body: 'not today', headers: { 'x-why': 'tired', 'x-api-version': '1' } });
  });

  await t.test('the end of either side is the end of the other', async (t) => {
    const client = new WebSocket(url, { headers: { cookie: 'uid=alice' } });
    await once(client, 'open');
    const [server] = [...sockets.clients];
    client.terminate();
    await until(() => server?.readyState === WebSocket.CLOSED, 'the upstream sees the end');
    const another = new WebSocket(url, { headers: { cookie: 'uid=alice' } });
    await once(another, 'open');
    for (const socket of sockets.clients) socket.terminate();
    const [code] = await once(another, 'close');
    t.equal(code, 1006);
  });
});

await t.test('an upgrade that cannot be served gets an answer', async (t) => {
  const proxy = await startProxy(t, flagged('http://127.0.0.1:9', 'http://127.0.0.1:9'), {
    'flags.yaml': evenFlags,
  });
  const upgrade = { connection: 'Upgrade', upgrade: 'websocket' };
  const refused = await request(proxy.port, '/fact/', { headers: { ...upgrade, cookie: 'uid=bob' } });
  t.match(refused, {
    status: 502,
    headers: { 'x-api-version': '1', 'content-type': 'application/problem+json' },
  });
});

await t.test('a client that resets while its upgrade is under way harms nothing', async (t) => {
  const v0 = await startUpstream(t, (_req, res) => res.end('still here'));
  let upgrades = 0;
  v0.server.on('upgrade', (_req, socket) => {
    upgrades += 1;
    socket.on('error', () => {}).on('end', () => socket.destroy());
    socket.resume();
  });
  const proxy = await startProxy(t, flagged(v0.url, v0.url), { 'flags.yaml': evenFlags });
  for (let i = 0; i < 20; i += 1) {
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/fact/`);
    client.on('error', () => {});
    setTimeout(() => client.terminate(), i / 2);
    await new Promise((resolve) => client.once('close', resolve));
  }
  const connections = () =>
    new Promise<number>((resolve) => v0.server.getConnections((_error, count) => resolve(count)));
  await until(async () => (await connections()) === 0, 'upstream connections gone');
  t.ok(upgrades > 0, 'some got as far as the upstream');
  t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'still here' });
});
