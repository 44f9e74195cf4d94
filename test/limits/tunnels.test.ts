import { once } from 'node:events';
import t from 'tap';
import { WebSocket, WebSocketServer } from 'ws';
import { request, until } from '../support/client.ts';
import { connectRaw, limited } from '../support/limited.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const upstream = await startUpstream(t, (req, res) => {
  if (req.url !== '/events') return void res.end('served');
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  res.write('data: 1\n\n');
});
const sockets = new WebSocketServer({ server: upstream.server });
sockets.on('connection', (socket) => socket.on('message', (text) => socket.send(text)));
t.teardown(() => sockets.close());

const settings = 'maxConnections: 1, maxTunnels: 2, queue: 0, responseTimeout: 2s';
const proxy = await startProxy(t, limited(upstream.url, { upstream: settings }));
const address = `ws://127.0.0.1:${proxy.port}/`;
const connected = async () => {
  const socket = new WebSocket(address);
  t.teardown(() => socket.terminate());
  await once(socket, 'open');
  return socket;
};
const refusal = async () => {
  const socket = new WebSocket(address);
  const [error] = (await once(socket, 'error')) as [Error];
  return error.message;
};

await t.test('idle WebSockets never block the API, and are bounded for themselves', async (t) => {
  const [first, second] = [await connected(), await connected()];
  t.match(await request(proxy.port, '/'), { status: 200, body: 'served' });
  t.match(await refusal(), 'Unexpected server response: 503');
  second.send('still there');
  t.equal(String((await once(second, 'message'))[0]), 'still there');
  first.close();
  second.close();
  await until(
    () =>
      connected().then(
        (socket) => socket.close() === undefined,
        () => false,
      ),
    'a place is free again',
  );
});

await t.test('nor do event streams, however they come to an end', async (t) => {
  const get = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n';
  const streams = [await connectRaw(t, proxy.port, get)];
  await until(() => streams[0]?.received().includes('data: 1'), 'an event');
  streams.push(await connectRaw(t, proxy.port, get));
  await until(() => streams[1]?.received().includes('data: 1'), 'the other event');
  t.match(await request(proxy.port, '/'), { status: 200, body: 'served' });
  t.match(await refusal(), /503/, 'they take the places of tunnels');
  for (const { socket } of streams) socket.destroy();
  await until(
    () =>
      connected().then(
        (socket) => socket.close() === undefined,
        () => false,
      ),
    'a place is free again',
  );
});
