import t from 'tap';
import { request } from '../support/client.ts';
import { identifier } from '../support/context.ts';
import { evenFlags, flagged, startProxy } from '../support/proxy.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test('nobody known is given a key, and a kept one is used again', async (t) => {
  const who = identifier({ user: { key: [{ cookie: 'uid' }], anonymous: { cookie: 'anon', maxAge: '1d' } } });
  const first = who({});
  const key = '00000000-0000-4000-8000-000000000001';
  t.same(first, {
    context: { kind: 'user', key, anonymous: true },
    minted: [{ kind: 'user', cookie: 'anon', maxAge: 86_400_000, key }],
  });
  t.same(who({ cookie: `anon=${key}` }), { context: { kind: 'user', key, anonymous: true }, minted: [] });
  t.match(
    who({ cookie: `anon=${key}; uid=7` }),
    { context: { key: '7' }, minted: [] },
    'who logs in is known',
  );
  t.match(
    who({ cookie: 'anon=<script>' }),
    { minted: [{ cookie: 'anon' }] },
    'a key that is none of ours is replaced',
  );
});

await t.test('the minted key reaches the browser, and no shared cache', async (t) => {
  const upstream = await startUpstream(t, (_req, res) =>
    res
      .writeHead(200, { 'cache-control': 'public, max-age=60, s-maxage=90', vary: 'Accept, cookie' })
      .end('fact'),
  );
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': evenFlags });
  const first = await request(proxy.port, '/fact/');
  const [cookie = ''] = first.headers['set-cookie'] ?? [];
  t.match(cookie, /^trenchcoat_id=[\da-f-]{36}; Path=\/; Max-Age=31536000; HttpOnly; SameSite=Lax$/);
  t.equal(first.headers['cache-control'], 'max-age=60, private');
  t.equal(first.headers.vary, 'Accept, cookie, x-user-id', 'what varies already is not said twice');

  const versions = new Set<unknown>();
  for (let i = 0; i < 10; i += 1) {
    const again = await request(proxy.port, '/fact/', { headers: { cookie: cookie.split(';')[0] } });
    t.equal(again.headers['set-cookie'], undefined);
    t.equal(again.headers['cache-control'], 'public, max-age=60, s-maxage=90', 'nothing was handed out');
    versions.add(again.headers['x-api-version']);
  }
  t.same([...versions], [first.headers['x-api-version']], 'the version stays');
});

await t.test('a CORS preflight is nobody: the default, nothing minted', async (t) => {
  const upstream = await startUpstream(t, (_req, res) => res.writeHead(204).end());
  const all1 = evenFlags.replace('targets: ', 'rules: [{ clauses: [], variation: 1 }]\n    targets: ');
  const proxy = await startProxy(t, flagged(upstream.url, upstream.url), { 'flags.yaml': all1 });
  const preflight = await request(proxy.port, '/fact/', {
    method: 'OPTIONS',
    headers: {
      origin: 'https://zoo.example',
      'access-control-request-method': 'GET',
      cookie: 'uid=bob',
      'x-request-id': 'pre-1',
    },
  });
  t.match(preflight, { status: 204, headers: { 'x-api-version': '0' } });
  t.equal(preflight.headers['set-cookie'], undefined);
  t.match(await proxy.accessLine('pre-1'), { reason: 'PREFLIGHT', version: '0' });
});
