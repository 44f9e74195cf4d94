import t from 'tap';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream, unusedPort } from '../support/upstream.ts';

await t.test('every request is counted once, with the labels that others build on', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('x'));
  const dead = `http://127.0.0.1:${await unusedPort()}`;
  const proxy = await startProxy(t, flagged(upstream.url, dead), { 'flags.yaml': evenFlags });
  for (let i = 0; i < 3; i += 1) await request(proxy.port, '/fact/', { headers: { cookie: 'uid=alice' } });
  for (let i = 0; i < 2; i += 1) await request(proxy.port, '/fact/', { headers: { cookie: 'uid=bob' } });
  await request(proxy.port, '/');
  const text = await until(async () => {
    const { body } = await request(proxy.adminPort, '/metrics');
    return body.includes('route="site"') ? body : undefined;
  }, 'the last request is counted');
  const lines = [
    'trenchcoat_requests_total{route="facts",version="0",status="2xx",reason="TARGET_MATCH"} 3',
    'trenchcoat_requests_total{route="facts",version="1",status="5xx",reason="TARGET_MATCH"} 2',
    'trenchcoat_requests_total{route="site",version="",status="2xx",reason="ROUTE"} 1',
    'trenchcoat_request_duration_seconds_count{route="facts",version="0",status="2xx"} 3',
    'trenchcoat_upstream_failures_total{upstream="v1",code="connect_refused"} 2',
    'trenchcoat_flag_source_ready 1',
  ];
  for (const line of lines) t.ok(text.split('\n').includes(line), line);
});
