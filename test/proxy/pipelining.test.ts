import t from 'tap';
import net from 'node:net';
import { once } from 'node:events';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

await t.test('pipelined requests are answered in order', async (t) => {
  const upstream = await startUpstream(t, (req, res) => {
    const wait = req.url === '/fact/0' ? 100 : 0;
    setTimeout(() => res.end(`<${req.url}>`), wait);
  });
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const socket = net.connect(proxy.port, '127.0.0.1').setEncoding('latin1');
  let received = '';
  socket.on('data', (chunk) => (received += String(chunk)));
  const paths = Array.from({ length: 8 }, (_, i) => `/fact/${i}`);
  socket.write(paths.map(get).join(''));
  await until(() => received.includes('</fact/7>'), 'the last answer');
  socket.destroy();
  t.same(
    received.match(/<[^>]*>/g),
    paths.map((path) => `<${path}>`),
  );
});

// Node tells only the response that owns the socket when the connection goes. The others never ended: they held
// upstream connections for ever, and one client could take them all.
await t.test(
  'a client that leaves takes all its pipelined requests with it, each accounted for',
  async (t) => {
    const upstream = await startUpstream(t, (_req, res) => res.write('endless'));
    const yaml = flagged(upstream.url, upstream.url).replaceAll(
      `"${upstream.url}"`,
      `"${upstream.url}", maxConnections: 2`,
    );
    const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
    const socket = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
    socket.write(get('/fact/').repeat(11));
    await once(socket, 'data');
    t.equal(upstream.seen.length, 1, 'one at a time');
    socket.destroy();
    const lines = () => proxy.logText().match(/"method":"GET"/g)?.length;
    await until(() => lines() === 11, 'a line for each');
    upstream.server.removeAllListeners('request').on('request', (_req, res) => res.end('next'));
    t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'next' });
  },
);
