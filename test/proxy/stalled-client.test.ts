import t from 'tap';
import net from 'node:net';
import { once } from 'node:events';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

// Without a deadline for a paused body, a client that stops reading holds its upstream connection for ever.
await t.test('a client that stops reading is cut after the idle timeout', async (t) => {
  const upstream = await startUpstream(t, (req, res) => {
    if (req.url === '/fact/big') res.end(Buffer.alloc(32 * 1024 * 1024));
    else res.end('small');
  });
  const limits = 'maxConnections: 1, idleTimeout: 300ms, responseTimeout: 5s';
  const yaml = flagged(upstream.url, upstream.url).replaceAll(
    `"${upstream.url}"`,
    `"${upstream.url}", ${limits}`,
  );
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const socket = net.connect(proxy.port, '127.0.0.1').on('error', () => {});
  socket.write('GET /fact/big HTTP/1.1\r\nHost: a\r\nCookie: uid=alice\r\nX-Request-Id: slow-1\r\n\r\n');
  await once(socket, 'readable');
  t.match(await request(proxy.port, '/fact/', { headers: { cookie: 'uid=alice' } }), { body: 'small' });
  t.match(await proxy.accessLine('slow-1'), { error: { code: 'client_stalled', source: 'downstream' } });
  socket.destroy();
});

// Were each informational answer to begin the deadline anew, an upstream could hold a client for ever.
await t.test('informational answers do not put the deadline off', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => {
    const timer = setInterval(() => res.writeProcessing(), 20);
    res.on('close', () => clearInterval(timer));
  });
  const yaml = flagged(upstream.url, upstream.url).replaceAll(
    `"${upstream.url}"`,
    `"${upstream.url}", responseTimeout: 300ms`,
  );
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  t.match(await request(proxy.port, '/fact/'), { status: 504, body: /response-timeout/ });
});
