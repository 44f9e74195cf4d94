import t from 'tap';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { request, until } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('readiness says why, and ends before the traffic does', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => void setTimeout(() => res.end('late'), 300));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const ready = async () => {
    const { status, body } = await request(proxy.adminPort, '/readyz');
    return { status, ...(JSON.parse(body) as { ready: boolean; checks: Record<string, string> }) };
  };
  t.match(await ready(), { status: 200, ready: true, checks: { proxy: 'ready', flags: String } });
  t.match(await request(proxy.adminPort, '/livez'), { status: 200, body: 'ok\n' });

  writeFileSync(join(proxy.folder, 'flags.yaml'), 'flags: [');
  const broken = await until(async () => {
    const now = await ready();
    return now.checks['flags']?.includes('flags.yaml:1') ? now : undefined;
  }, 'a broken flag file shows');
  t.match(broken, { status: 200, ready: true }, 'the last good flags still serve');
  t.match((await request(proxy.adminPort, '/metrics')).body, /^trenchcoat_flag_source_ready 0$/m);

  const inFlight = request(proxy.port, '/fact/', { headers: { cookie: 'uid=alice' } });
  await until(() => upstream.seen.length > 0, 'the request is under way');
  const stopped = proxy.stop();
  t.match(await ready(), { status: 503, ready: false, checks: { proxy: 'draining' } });
  await t.rejects(request(proxy.port, '/fact/'), 'no new connections');
  t.match(await inFlight, { status: 200, body: 'late' }, 'what was under way ends');
  await stopped;
  await t.rejects(ready());
});
