import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { contexts } from '../../src/config/context-schema.ts';
import { createIdentify, nobodyYet } from '../../src/identity/identify.ts';

const section = {
  user: {
    key: [{ cookie: 'uid' }, { header: 'X-User-Id' }, { query: 'user' }],
    attributes: { plan: { header: 'X-Plan' } },
  },
};

const identify = createIdentify(contexts.parse(section), () => '00000000-0000-4000-8000-000000000001');
const asking = (headers: Record<string, string>, url = '/', secure = false) => ({ url, secure, headers });

await t.test('who asks again by the same bytes is not read again', async (t) => {
  const recent = nobodyYet();
  const first = identify(asking({ cookie: 'uid=1; theme=dark', 'x-plan': 'free' }), recent);
  const again = identify(asking({ cookie: 'uid=1; theme=dark', 'x-plan': 'free', accept: '*/*' }), recent);
  t.match(first.context, { key: '1', plan: 'free' });
  t.equal(again, first, 'the very same');
});

const view = ({ cookie, header, plan, query, secure }: { [name: string]: string | boolean | undefined }) =>
  asking(
    {
      ...(cookie !== undefined && { cookie: `uid=${String(cookie)}` }),
      ...(header !== undefined && { 'x-user-id': String(header) }),
      ...(plan !== undefined && { 'x-plan': String(plan) }),
    },
    query === undefined ? '/' : `/?user=${String(query)}`,
    secure === true,
  );

// A connection may come from a proxy that many clients share: only the bytes say who asks.
await t.test('who asks on the connection of another is never taken for them', async () => {
  const some = fc.option(fc.constantFrom('1', '2', ''), { nil: undefined });
  const one = fc.record({ cookie: some, header: some, plan: some, query: some, secure: fc.boolean() });
  fc.assert(
    fc.property(fc.array(one, { minLength: 2, maxLength: 12 }), (all) => {
      const recent = nobodyYet();
      for (const each of all) assert.deepEqual(identify(view(each), recent), identify(view(each)));
    }),
  );
});

await t.test('a key that was handed out is handed out once', async (t) => {
  const anonymous = { user: { key: [{ cookie: 'uid' }], anonymous: { cookie: 'anon', maxAge: '1d' } } };
  const identify = createIdentify(contexts.parse(anonymous));
  const recent = nobodyYet();
  const [first, second] = [identify(asking({}), recent), identify(asking({}), recent)];
  t.equal(first.minted.length, 1);
  t.not(first.minted[0]?.key, second.minted[0]?.key, 'whoever does not keep it is somebody new');
});

await t.test('where a key wants TLS, who comes by TLS after one who did not is given one', async (t) => {
  const section = { user: { key: [{ cookie: 'uid' }], anonymous: { cookie: '__Host-anon', maxAge: '1d' } } };
  const identify = createIdentify(contexts.parse(section));
  const recent = nobodyYet();
  t.equal(identify(asking({}, '/', false), recent).context, undefined);
  t.equal(identify(asking({}, '/', true), recent).minted.length, 1);
});

await t.test('another configuration reads anew', async (t) => {
  const recent = nobodyYet();
  identify(asking({ cookie: 'uid=1' }), recent);
  const other = createIdentify(contexts.parse({ team: { key: [{ cookie: 'uid' }] } }));
  t.match(other(asking({ cookie: 'uid=1' }), recent).context, { kind: 'team', key: '1' });
});
