import t from 'tap';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import { until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a stop ends WebSockets with 1001, so that clients know to come again', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const sockets = new WebSocketServer({ server: upstream.server });
  t.teardown(() => sockets.close());
  const codes: number[] = [];
  sockets.on('connection', (socket, req) => {
    socket.on('close', (code) => codes.push(code));
    if (req.url === '/fact/busy') {
      // Always in the midst of something: a frame of ours has to find its place.
      const chatter = setInterval(() => socket.send(Buffer.alloc(300_000, 0x81)), 1);
      socket.on('close', () => clearInterval(chatter));
    }
  });
  const yaml = flagged(upstream.url, upstream.url).replace('drain: 1s', 'drain: 20s');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const connect = async (path: string) => {
    const client = new WebSocket(`ws://127.0.0.1:${proxy.port}${path}`, { headers: { cookie: 'uid=alice' } });
    const errors: Error[] = [];
    client.on('error', (error) => errors.push(error));
    const closed = once(client, 'close').then(([code]) => ({ code: code as number, errors }));
    await once(client, 'open');
    return { client, closed };
  };
  const quiet = await connect('/fact/quiet');
  const busy = await connect('/fact/busy');
  await once(busy.client, 'message');

  const started = performance.now();
  await proxy.stop();
  t.ok(performance.now() - started < 10_000, 'long before the deadline');
  t.same(await quiet.closed, { code: 1001, errors: [] });
  t.same(await busy.closed, { code: 1001, errors: [] }, 'between two frames, and no frame was torn');
  await until(() => codes.length === 2, 'the upstream is told too');
  t.same(codes, [1001, 1001]);
});

await t.test('while a stop still takes new work, tunnels are left alone', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const sockets = new WebSocketServer({ server: upstream.server });
  t.teardown(() => sockets.close());
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
  const yaml = flagged(upstream.url, upstream.url).replace('drain: 1s', 'delay: 500ms, drain: 20s');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const stopped = proxy.stop();
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/fact/late`, {
    headers: { cookie: 'uid=alice' },
  });
  const closed = once(client, 'close');
  await once(client, 'open');
  client.send('hello');
  t.equal(String((await once(client, 'message'))[0]), 'hello');
  t.equal((await closed)[0], 1001);
  await stopped;
});
