import t from 'tap';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const line = (name: string, labels: string) => `trenchcoat_${name}{route="facts",version="0"${labels}}`;

// A version that answers 404 at once would look faster than one that does the work.
await t.test('latency is told of what succeeded alone, as the guard compares it', async (t) => {
  const upstream = await startUpstream(t, (req, res) => {
    res.statusCode = req.url?.includes('missing') ? 404 : 200;
    res.end('x');
  });
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const headers = { cookie: 'uid=alice' };
  for (let i = 0; i < 3; i += 1) await request(proxy.port, '/fact/missing', { headers });
  await request(proxy.port, '/fact/', { headers });
  const text = await until(async () => {
    const { body } = await request(proxy.adminPort, '/metrics');
    return body.includes(`${line('request_duration_seconds_count', ',status="2xx"')} 1`) ? body : undefined;
  }, 'all are counted');
  t.match(text, `${line('request_duration_seconds_count', ',status="4xx"')} 3`);
  t.match(text, `${line('response_head_seconds_count', '')} 1`);
});
