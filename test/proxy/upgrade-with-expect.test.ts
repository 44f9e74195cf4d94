import t from 'tap';
import { request, sendRaw } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startRawUpstream } from '../support/upstream.ts';

// Node's client sends its head at once when it sees Expect. The head could then not be rewritten, the throw left an
// upstream request without an error listener, and the upstream's closing it ended the process: one request did it.
await t.test('an upgrade with Expect is an upgrade, and its failure an answer', async (t) => {
  const heads: string[] = [];
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', (chunk) => {
      heads.push(chunk.toString('latin1'));
      socket.destroy();
    }),
  );
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const bytes =
    'GET /fact/ HTTP/1.1\r\nHost: a\r\nCookie: uid=alice\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nExpect: 100-continue\r\n\r\n';
  t.match(await sendRaw(proxy.port, bytes, false), /^HTTP\/1\.1 502 [^]*:reset"/);
  t.match(heads[0], /^GET \/fact\/ HTTP\/1\.1\r\nHost: 127\.0\.0\.1:\d+\r\n[^]*X-Api-Version: 0\r\n/);
  t.notMatch(heads[0], /expect/i);
  t.equal((await request(proxy.adminPort, '/livez')).status, 200);
});

// The client's socket allows a half-open end: ended alone it stayed until the client closed it, and held up a stop.
await t.test('an upgrade that is refused ends its connection and is accounted for at once', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno')),
  );
  const yaml = flagged(upstream.url, upstream.url).replace('- { name: site, upstream: v0 }', '');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\nHost: a\r\n\r\n';
  t.match(await sendRaw(proxy.port, `GET /nope HTTP/1.1\r\n${upgrade}`, false), / 404 /);
  t.match(
    await sendRaw(
      proxy.port,
      `GET /fact/ HTTP/1.1\r\nCookie: uid=alice\r\nX-Request-Id: no-1\r\n${upgrade}`,
      false,
    ),
    / 403 No\r\n[^]*no$/,
  );
  t.match(await proxy.accessLine('no-1'), { status: 403, upstream: 'v0' });
});
