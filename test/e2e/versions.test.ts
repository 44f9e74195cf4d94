import t from 'tap';
import { request } from '../support/client.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('one port serves two versions, and says which', async (t) => {
  const v0 = await startUpstream(t, (_req, res) => res.end('from v0'));
  const v1 = await startUpstream(t, (_req, res) => res.setHeader('x-api-version', 'mine').end('from v1'));
  const proxy = await startProxy(t, flagged(`${v0.url}/v0`, `${v1.url}/v1/`), { 'flags.yaml': evenFlags });

  const alice = await request(proxy.port, '/fact/?a=1', { headers: { cookie: 'uid=alice' } });
  t.match(alice, { status: 200, body: 'from v0', headers: { 'x-api-version': '0' } });
  const bob = await request(proxy.port, '/fact/', { headers: { 'x-user-id': 'bob', 'x-api-version': '0' } });
  t.match(bob, { status: 200, body: 'from v1', headers: { 'x-api-version': '1' } });
  t.equal(bob.headers.vary, 'Cookie, x-user-id');
  t.equal(v0.seen[0]?.url, '/v0/fact/?a=1');
  t.match(v1.seen[0], { url: '/v1/fact/', headers: { 'x-api-version': '1', host: `127.0.0.1:${v1.port}` } });
  t.equal(bob.headers['set-cookie'], undefined, 'nothing is minted for somebody known');

  const site = await request(proxy.port, '/');
  t.match(site, { status: 200, body: 'from v0' });
  t.notOk(site.headers['x-api-version'], 'a plain route is not stamped');
  t.notOk(site.headers.vary);
  const line = await proxy.accessLine(v1.seen[0]?.headers['x-request-id'] as string);
  t.match(line, {
    route: 'facts',
    version: '1',
    reason: 'TARGET_MATCH',
    method: 'GET',
    path: '/fact/',
    status: 200,
    upstream: 'v1',
  });
});
