import t from 'tap';
import { request, sendRaw } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

// Each of these breaks http-proxy 1.18.1 as it comes; its stock web passes never run here.

await t.test('a chunked DELETE keeps its framing', async (t) => {
  // The stock pass says `content-length: 0` and pipes the body after it: the body is the next request.
  const upstream = await startUpstream(t, (req, res) => req.on('end', () => res.end('one')));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const smuggled = 'GET /v0/smuggled HTTP/1.1\r\nHost: x\r\n\r\n';
  for (const method of ['DELETE', 'OPTIONS', 'GET'])
    await request(proxy.port, '/fact/', {
      method,
      headers: { 'transfer-encoding': 'chunked' },
      body: smuggled,
    });
  t.equal(upstream.seen.length, 3, 'three requests, and none inside another');
  for (const seen of upstream.seen)
    t.match(seen, { body: smuggled, headers: { 'transfer-encoding': 'chunked' } });
});

await t.test('a Trailer header without a chunked body does no harm', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('fine'));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const asked = 'GET /fact/ HTTP/1.1\r\nHost: a\r\nTrailer: x-a\r\nConnection: close\r\n\r\n';
  t.match(await sendRaw(proxy.port, asked, false), /^HTTP\/1\.1 200 [^]*fine/);
});

await t.test(
  'Expect: 100-continue is answered once, and the request is dressed like any other',
  async (t) => {
    const upstream = await startUpstream(t, (req, res) => req.on('end', () => res.end('fine')));
    const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
    const received = await sendRaw(
      proxy.port,
      'POST /fact/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nCookie: uid=bob\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok',
      false,
    );
    t.equal(received.match(/HTTP\/1\.1 100 Continue/g)?.length, 1);
    t.match(received, /HTTP\/1\.1 200 OK/);
    t.match(upstream.seen[0], {
      body: 'ok',
      headers: { 'x-api-version': '1', 'x-forwarded-for': '127.0.0.1', expect: '100-continue' },
    });
  },
);

await t.test('path and query arrive byte for byte', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(`${upstream.url}/v0`, upstream.url), { 'flags.yaml': evenFlags });
  const targets = [
    '/fact//a/../b',
    '/fact/%2F%2e%2e/',
    '/fact/?a;b&%zz',
    '/fact/?',
    '/fact/a#b',
    '/fact/;x=1',
  ];
  for (const target of targets)
    await sendRaw(
      proxy.port,
      `GET ${target} HTTP/1.1\r\nHost: a\r\nCookie: uid=alice\r\nConnection: close\r\n\r\n`,
      false,
    );
  t.same(
    upstream.seen.map(({ url }) => url),
    targets.map((target) => `/v0${target}`),
  );
});
