import t from 'tap';
import { request, until } from '../support/client.ts';
import { askAdmin } from '../support/admin-answer.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('a broken file changes nothing, and everybody who looks is told', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const good = flagged(upstream.url, upstream.url);
  const proxy = await startProxy(t, good, { 'flags.yaml': evenFlags });
  const readiness = async () => JSON.parse((await request(proxy.adminPort, '/readyz')).body);
  const metrics = async () => (await request(proxy.adminPort, '/metrics')).body;
  const { config } = (await readiness()).checks;
  t.equal(config, undefined, 'nothing is said of a file that is served');
  t.match(await metrics(), /^trenchcoat_config_current 1$/m);

  const broken = good.replace('default: 0', 'default: 7').replace('limits', 'limit');
  const answer = await proxy.reload(broken);
  t.match(answer, {
    ok: false,
    detail: /trenchcoat.yaml:\d+:\d+ routes\[0\].default: "?7"? is not one of the versions/,
  });
  t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'served' });
  const told = await readiness();
  t.match(told, {
    ready: true,
    checks: { config: /the log says what is wrong at .*trenchcoat.yaml:\d+:\d+ routes\[0\].default/ },
  });
  t.match(await metrics(), /^trenchcoat_config_current 0$/m);
  t.match(await metrics(), /^trenchcoat_config_reloads_total\{result="refused"\} 1$/m);
  const [line] = await until(() => {
    const lines = proxy.logLines('error');
    return lines.length > 0 && lines;
  }, 'a line in the log');
  t.match(line, {
    msg: /the configuration is not taken, and the one before is served: .*is not one of the versions/,
  });

  const asked = await askAdmin(proxy.adminPort, 'POST', '/api/reload');
  t.match(asked, { status: 409, json: { detail: /is not one of the versions/ } }, 'whoever asks is told why');

  t.match(await proxy.reload(good), { ok: true, changed: [] });
  t.match(await metrics(), /^trenchcoat_config_current 1$/m);
  t.equal((await readiness()).checks.config, undefined);
});

await t.test('every mistake is told at once, and a missing file is one', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('served'));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const two = flagged(upstream.url, upstream.url).replace('default: 0', 'default: 7').replace('1s', 'soon');
  const answer = await proxy.reload(two);
  t.equal(answer.ok ? '' : answer.detail.split('\n').length, 2);
  t.match(await request(proxy.port, '/fact/'), { status: 200 });
});

await t.test('what cannot change while it runs is named, and nothing else is taken', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end('before'));
  const other = await startUpstream(t, (_req, res) => res.end('after'));
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const moved = `listen: 127.0.0.1:1\n${flagged(other.url, other.url, 'state: memory')}`;
  t.match(await proxy.reload(moved), {
    ok: false,
    detail: /listen, state: cannot change while the proxy runs; restart it, or put them back/,
  });
  t.match(await request(proxy.port, '/fact/'), { status: 200, body: 'before' });
});
