import t from 'tap';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

const pin = (version: string, secret: string) => ({
  cookie: 'uid=alice',
  'x-version': version,
  'x-trenchcoat-secret': secret,
});

await t.test('a tester with the secret pins a version; nobody else does', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const yaml = flagged(upstream.url, upstream.url, 'override: { header: X-Version, secret: open-sesame }');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const served = async (headers: Record<string, string>) =>
    (await request(proxy.port, '/fact/', { headers })).headers['x-api-version'];

  t.equal(await served(pin('1', 'open-sesame')), '1');
  t.equal(await served(pin('1', 'open-sesam')), '0');
  t.equal(await served(pin('1', '')), '0');
  t.equal(await served(pin('2', 'open-sesame')), '0', 'a version that the route does not have is no version');
  for (const { headers } of upstream.seen) {
    t.equal(headers['x-version'], undefined, 'the wish does not reach the upstream');
    t.equal(headers['x-trenchcoat-secret'], undefined, 'nor does the secret');
  }
  const { headers } = await request(proxy.port, '/fact/');
  t.equal(headers.vary, 'Cookie, x-user-id, x-version, x-trenchcoat-secret');
  t.notMatch(proxy.logText(), /sesame/);
});

await t.test('an empty secret turns the override off', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.end());
  const yaml = flagged(upstream.url, upstream.url, 'override: { secret: "${UNSET_SECRET:-}" }');
  const proxy = await startProxy(t, yaml, { 'flags.yaml': evenFlags });
  const { headers } = await request(proxy.port, '/fact/', {
    headers: { cookie: 'uid=alice', 'x-api-version': '1', 'x-trenchcoat-secret': '' },
  });
  t.equal(headers['x-api-version'], '0');
});
