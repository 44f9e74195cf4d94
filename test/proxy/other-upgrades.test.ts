import t from 'tap';
import { once } from 'node:events';
import net from 'node:net';
import { sendRaw } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

// Java's HTTP client asks for h2c on its first request, a POST with a body included.
await t.test('a wish for another protocol is passed over and the request served, body and all', async (t) => {
  const upstream = await startUpstream(t, (req, res) => req.on('end', () => res.end('served')));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const wish = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAAB\r\n';
  const post = `POST /fact/?one HTTP/1.1\r\nHost: a\r\nCookie: uid=bob\r\n${wish}Content-Length: 4\r\n\r\nbody`;
  const chunked = `PUT /fact/?two HTTP/1.1\r\nHost: a\r\n${wish}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`;
  const last = `GET /fact/?three HTTP/1.1\r\nHost: a\r\n${wish.replace('Upgrade, ', 'Upgrade, close, ')}\r\n`;
  const socket = net.connect(proxy.port, '127.0.0.1').setEncoding('latin1');
  for (const request of [post, chunked, last]) {
    socket.write(request);
    const [answer] = await once(socket, 'data');
    t.match(answer, /^HTTP\/1\.1 200 [^]*served/);
  }
  await once(socket, 'close');
  t.match(upstream.seen, [
    { method: 'POST', url: '/fact/?one', body: 'body', headers: { 'x-api-version': '1' } },
    { method: 'PUT', url: '/fact/?two', body: 'abc' },
    { method: 'GET', url: '/fact/?three', body: '' },
  ]);
  for (const { headers } of upstream.seen) {
    t.equal(headers.upgrade, undefined);
    t.equal(headers['http2-settings'], undefined);
  }
});

await t.test('a WebSocket wish on anything but GET is none', async (t) => {
  const upstream = await startUpstream(t, (req, res) => req.on('end', () => res.end('served')));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const wish = 'Connection: Upgrade, close\r\nUpgrade: websocket\r\n';
  const post = `POST /fact/ HTTP/1.1\r\nHost: a\r\n${wish}Content-Length: 4\r\n\r\nbody`;
  t.match(await sendRaw(proxy.port, post, false), /^HTTP\/1\.1 200 [^]*served/);
  t.match(upstream.seen[0], { method: 'POST', body: 'body' });
});

const major = Number.parseInt(process.versions.node, 10);

await t.test(
  'an upgrade behind an answer that is still owed is cut, so that neither runs into the other',
  async (t) => {
    const upstream = await startUpstream(t, (_req, res) => void setTimeout(() => res.end('late'), 200));
    upstream.server.on('upgrade', (_req, socket) =>
      socket.end(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nearly',
      ),
    );
    const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
    const get = 'GET /fact/ HTTP/1.1\r\nHost: a\r\n\r\n';
    for (const protocol of ['websocket', 'h2c']) {
      const upgrade = `GET /fact/ HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: ${protocol}\r\n\r\n`;
      const answers = await sendRaw(proxy.port, get + upgrade, false);
      // To Nodes from 22 on, h2c is no upgrade, and both are served.
      if (protocol === 'websocket' || major < 22) t.equal(answers, '', protocol);
      else t.match(answers, /^(HTTP\/1\.1 200 [^]*?\r\n\r\nlate){2}$/, protocol);
    }
  },
);
