import t from 'tap';
import { createHash } from 'node:crypto';
import { identifier } from '../support/context.ts';

const token = (claims: object) =>
  `eyJhbGciOiJub25lIn0.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`;

await t.test('the first source with a usable value is the key', async (t) => {
  const who = identifier({
    user: { key: [{ cookie: 'uid' }, { header: 'X-User-Id' }, { query: 'user' }], anonymous: 'off' },
  });
  t.match(who({ cookie: 'a=1; uid=seven', 'x-user-id': '8' }), { context: { kind: 'user', key: 'seven' } });
  t.match(who({ cookie: 'uid=', 'x-user-id': '8' }), { context: { key: '8' } });
  t.match(who({ cookie: 'uid=two words', 'x-user-id': '8' }), { context: { key: '8' } });
  t.match(who({}, '/fact/?x=1&user=nine'), { context: { key: 'nine' } });
  t.match(who({}, '/fact/?user=a%2Fb'), { context: { key: 'a/b' } });
  t.equal(who({}, '/fact/?user=').context, undefined);
  t.equal(who({}).context, undefined);
});

await t.test('a key is 1 to 256 bytes of visible characters, after decoding', async (t) => {
  const who = identifier({ user: { key: [{ cookie: 'uid' }, { header: 'X-User-Id' }], anonymous: 'off' } });
  t.match(who({ cookie: 'uid=j%C3%BCrgen' }), { context: { key: 'jürgen' } });
  const utf8 = Buffer.from('jürgen').toString('latin1');
  t.match(who({ 'x-user-id': utf8 }), { context: { key: 'jürgen' } }, 'header bytes are UTF-8');
  t.match(who({ cookie: `uid=${'k'.repeat(256)}` }), { context: { key: 'k'.repeat(256) } });
  t.equal(who({ cookie: `uid=${'k'.repeat(257)}` }).context, undefined);
  t.equal(who({ cookie: `uid=${'%C3%BC'.repeat(129)}` }).context, undefined, '258 bytes');
  for (const hostile of ['%00', 'a%0Ab', 'a%0D%0ASet-Cookie:%20x', '%E2%80%AE', '%20', 'a%7F', '%C2%85'])
    t.equal(who({ cookie: `uid=${hostile}` }).context, undefined, hostile);
  t.equal(who({ 'x-user-id': '\xff\xfe' }).context, undefined, 'no UTF-8');
});

await t.test('a JWT claim is read, whoever signed it', async (t) => {
  const who = identifier({
    user: {
      key: [{ jwt: { header: 'Authorization', claim: 'sub' } }, { jwt: { cookie: 'session', claim: 'uid' } }],
      anonymous: 'off',
    },
  });
  t.match(who({ authorization: `Bearer ${token({ sub: 'ann' })}` }), { context: { key: 'ann' } });
  t.match(who({ cookie: `session=${token({ uid: 12 })}` }), { context: { key: '12' } });
  for (const bad of [
    'Bearer x',
    'Bearer a.b.c',
    'Basic YTpi',
    `Bearer ${token({ sub: { a: 1 } })}`,
    'Bearer ',
    `Bearer ${token([])}`,
  ])
    t.equal(who({ authorization: bad }).context, undefined, bad);
  const polluting = `Bearer e30.${Buffer.from('{"__proto__":{"sub":"x"}}').toString('base64url')}.`;
  t.equal(who({ authorization: polluting }).context, undefined, 'an inherited claim is none');
});

await t.test('a hashed source gives the SHA-256 and hides the value', async (t) => {
  const who = identifier({ user: { key: [{ header: 'Authorization', hash: true }], anonymous: 'off' } });
  const expected = createHash('sha256').update('Bearer secret token').digest('hex');
  t.match(who({ authorization: 'Bearer secret token' }), { context: { key: expected } });
});

await t.test('attributes come from the same sources, and private ones are marked', async (t) => {
  const who = identifier({
    user: {
      key: [{ cookie: 'uid' }],
      attributes: { plan: { header: 'X-Plan' }, agent: { header: 'User-Agent' }, team: { query: 'team' } },
      private: ['plan'],
    },
  });
  const { context } = who(
    { cookie: 'uid=7', 'x-plan': 'gold', 'user-agent': 'Rac Coon/1.0' },
    '/?team=a%00b',
  );
  t.same(context, {
    kind: 'user',
    key: '7',
    plan: 'gold',
    agent: 'Rac Coon/1.0',
    _meta: { privateAttributes: ['plan'] },
  });
});

await t.test('several kinds make one multi-kind context', async (t) => {
  const who = identifier({
    user: { key: [{ cookie: 'uid' }], anonymous: 'off' },
    organization: { key: [{ header: 'X-Org' }], attributes: { region: { header: 'X-Region' } } },
  });
  t.same(who({ cookie: 'uid=7', 'x-org': 'zoo', 'x-region': 'eu' }).context, {
    kind: 'multi',
    user: { key: '7' },
    organization: { key: 'zoo', region: 'eu' },
  });
  t.same(who({ 'x-org': 'zoo' }).context, { kind: 'organization', key: 'zoo' }, 'one kind alone is no multi');
});

await t.test('hostile cookies are harmless', async (t) => {
  const who = identifier({ user: { key: [{ cookie: 'uid' }], anonymous: 'off' } });
  for (const cookie of [
    '__proto__=x; constructor=y; toString=z',
    '%',
    'uid=%',
    'uid=%E0%A4%A',
    ';'.repeat(8000),
    '='.repeat(8000),
    `uid=${'%41'.repeat(2000)}`,
    'uid=\x00',
  ]) {
    const { context } = who({ cookie });
    t.ok(context === undefined || typeof context['key'] === 'string', JSON.stringify(cookie.slice(0, 20)));
  }
  t.match(
    who({ cookie: 'uid=%; uid=b' }),
    { context: { key: '%' } },
    'what is no encoding is itself; the first wins',
  );
  const proto = identifier({
    user: { key: [{ cookie: '__proto__' }, { cookie: 'constructor' }], anonymous: 'off' },
  });
  t.equal(proto({ cookie: 'a=b' }).context, undefined, 'nothing is inherited');
});
