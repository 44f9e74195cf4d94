import t from 'tap';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const spoofed = {
  cookie: 'uid=alice',
  'x-forwarded-for': '6.6.6.6',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'gopher',
  'x-forwarded-port': '1',
  x_forwarded_for: '6.6.6.6',
  x_api_version: '1',
  forwarded: 'for=6.6.6.6',
  host: 'api.example:8080',
};

await t.test('forwarding headers of a stranger are replaced', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  await request(proxy.port, '/fact/', { headers: spoofed });
  const headers = upstream.seen[0]?.headers;
  t.match(headers, {
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': 'api.example:8080',
    'x-forwarded-proto': 'http',
    via: /^1\.1 trenchcoat-[0-9a-f]{8}$/,
    host: `127.0.0.1:${upstream.port}`,
  });
  t.equal(headers?.['x-forwarded-port'], undefined);
  t.equal(headers?.forwarded, undefined);
  // CGI and WSGI upstreams read these as the real ones.
  t.equal(headers?.['x_forwarded_for'], undefined);
  t.equal(headers?.['x_api_version'], undefined);
});

await t.test('those of a trusted proxy are kept, and its address is appended', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url, 'trustedProxies: [loopback]'), {
    'flags.yaml': evenFlags,
  });
  await request(proxy.port, '/fact/', { headers: { ...spoofed, via: '2 edge' } });
  t.match(upstream.seen[0]?.headers, {
    'x-forwarded-for': '6.6.6.6, 127.0.0.1',
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'gopher',
    'x-forwarded-port': '1',
    forwarded: 'for=6.6.6.6',
    via: /^2 edge, 1\.1 trenchcoat-[0-9a-f]{8}$/,
  });
});

await t.test('the Host of the client is kept when the upstream asks for it', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const yaml = flagged(upstream.url, upstream.url).replace(
    `v0: { url: "${upstream.url}" }`,
    `v0: { url: "${upstream.url}", preserveHost: true }`,
  );
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  await request(proxy.port, '/fact/', { headers: { ...spoofed } });
  await request(proxy.port, 'http://zoo.example/fact/?a', { headers: { ...spoofed } });
  t.equal(upstream.seen[0]?.headers.host, 'api.example:8080');
  t.equal(upstream.seen[1]?.headers.host, 'zoo.example', 'an absolute target stands in for Host');
  t.equal(upstream.seen[1]?.url, '/fact/?a');
});

await t.test('a request id that can stand in a log is kept, another is replaced', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  await request(proxy.port, '/fact/', { headers: { 'x-request-id': 'abc-123', traceparent: trace } });
  await request(proxy.port, '/fact/', { headers: { 'x-request-id': 'a "b" <c>' } });
  t.match(upstream.seen[0]?.headers, { 'x-request-id': 'abc-123', traceparent: trace });
  t.match(upstream.seen[1]?.headers['x-request-id'], /^[\da-f-]{36}$/);
});
