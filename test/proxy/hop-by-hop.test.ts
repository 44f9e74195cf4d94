import t from 'tap';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startRawUpstream, startUpstream } from '../support/upstream.ts';

await t.test('what is meant for the next hop alone goes no further', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  await request(proxy.port, '/fact/', {
    headers: {
      connection: 'keep-alive, X-Private, host, content-length',
      'x-private': '1',
      'keep-alive': 'timeout=5',
      'proxy-authorization': 'Basic YTpi',
      'proxy-connection': 'keep-alive',
      te: 'trailers, gzip',
      'x-kept': 'yes',
    },
    method: 'POST',
    body: 'body',
  });
  const [seen] = upstream.seen;
  for (const name of ['x-private', 'proxy-authorization', 'proxy-connection', 'upgrade'])
    t.equal(seen?.headers[name], undefined, name);
  t.match(seen?.headers, {
    te: /^trailers$/,
    'x-kept': 'yes',
    host: `127.0.0.1:${upstream.port}`,
    'content-length': '4',
  });
  t.equal(seen?.body, 'body', 'Connection cannot nominate the framing away');
});

await t.test('nor does it in the answer', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.once('data', () =>
      socket.write(
        'HTTP/1.1 200 Fine\r\nConnection: x-private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: timeout=9\r\n' +
          'Proxy-Authenticate: Basic\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Order: 1\r\nx-order: 2\r\nContent-Length: 2\r\n\r\nok',
      ),
    ),
  );
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const answer = await request(proxy.port, '/fact/', { headers: { cookie: 'uid=alice' } });
  t.match(answer, { status: 200, reason: 'Fine', body: 'ok', headers: { 'x-order': '1, 2' } });
  t.same(answer.headers['set-cookie'], ['a=1', 'b=2'], 'several cookies stay several');
  for (const name of ['x-private', 'proxy-authenticate']) t.equal(answer.headers[name], undefined, name);
});

await t.test('repeated headers keep their order and number', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  await request(proxy.port, '/fact/', {
    headers: { 'X-Many': ['one', 'two'], 'X-Other': 'x', Accept: 'a' },
  });
  const raw = upstream.seen[0]?.rawHeaders ?? [];
  const many = raw.flatMap((name, i) => (i % 2 === 0 && name === 'X-Many' ? [raw[i + 1]] : []));
  t.same(many, ['one', 'two']);
  t.notOk(
    raw.some((name) => name.toLowerCase() === 'user-agent'),
    'none is invented',
  );
});
