import t from 'tap';
import { askAdmin } from '../support/admin-answer.ts';
import { request } from '../support/client.ts';
import { fixedFlag } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('LaunchDarkly hears of no explanation', async (t) => {
  const stub = await launchDarklyStub({ flags: { facts: fixedFlag('facts', 1) } });
  t.teardown(stub.close);
  const { url } = await startUpstream(t, (_req, res) => res.end());
  const yaml = `
context: { user: { key: [{ cookie: uid }] } }
flags: { source: launchdarkly, sdkKey: sdk-key, relay: "${stub.url.origin}" }
upstreams: { v: { url: "${url}" } }
routes:
  - { name: facts, match: { path: /fact/ }, flag: facts, versions: { 0: v, 1: v }, default: 0 }
  - { name: missing, flag: missing, versions: { 0: v, 1: v }, default: 0 }
shutdown: { drain: 1s }
`;
  const { port, adminPort, ...started } = await startProxy(t, yaml);
  const explain = (asked: object) => askAdmin(adminPort, 'POST', '/api/explain', JSON.stringify(asked));
  const headers = { cookie: 'uid=curious' };
  for (let i = 0; i < 5; i += 1) {
    t.match((await explain({ path: '/fact/', headers })).json, { version: '1', reason: 'FALLTHROUGH' });
    t.match((await explain({ path: '/', headers })).json, { version: '0', reason: 'FLAG_NOT_FOUND' });
  }
  await request(port, '/fact/', { headers: { cookie: 'uid=visitor' } });
  await started.stop();
  const events = stub.events();
  t.notMatch(JSON.stringify(events), /curious|missing/);
  const summary = events.find(({ kind }) => kind === 'summary');
  t.match(summary, { features: { facts: { counters: [{ count: 1 }] } } }, 'the one visit is told');
});
