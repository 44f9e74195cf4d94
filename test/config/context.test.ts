import t from 'tap';
import { load, minimal, problemsOf } from '../support/config.ts';

const context = (yaml: string) => problemsOf(`${minimal}context:\n${yaml}`);

await t.test('a source that is none, or two, or tells a secret', async (t) => {
  t.strictSame(
    await context(`  user:
    key:
      - { cookie: a, header: b }
      - {}
      - { header: Authorization }
      - { header: authorization, hash: true }
      - { jwt: { header: Authorization, cookie: c, claim: sub } }
      - { header: "a b" }
`),
    [
      '6:9 context.user.key[0]: a source is exactly one of `cookie`, `header`, `query` and `jwt`',
      '7:9 context.user.key[1]: a source is exactly one of `cookie`, `header`, `query` and `jwt`',
      '8:19 context.user.key[2].header: this header carries credentials; add `hash: true`',
      '10:16 context.user.key[4].jwt: a token is in exactly one of `header` and `cookie`',
      '11:19 context.user.key[5].header: found "a b"; expected a header name: letters, digits and -',
    ],
  );
});

await t.test('kinds and attributes have names that LaunchDarkly does not keep for itself', async (t) => {
  t.strictSame(await context('  kind: {}\n  "a b": {}\n  user: { attributes: { key: { cookie: a } } }\n'), [
    '4:3 context.kind: a key here must be a context kind other than `kind` and `multi`',
    '5:3 context["a b"]: a key here must be a context kind: letters, digits, -, _ and .',
    '6:25 context.user.attributes.key: a key here must be an attribute name of your own',
  ]);
});

await t.test('two kinds with one cookie', async (t) => {
  t.strictSame(await context('  user: {}\n  org: { anonymous: { cookie: trenchcoat_id } }\n'), [
    '5:21 context.org.anonymous: its cookie already keeps the anonymous key of user',
  ]);
});

await t.test('a private attribute has to be one', async (t) => {
  t.strictSame(await context('  user: { attributes: { plan: { cookie: p } }, private: [plan, plam] }\n'), [
    '4:64 context.user.private[1]: "plam" is not one of the attributes; did you mean `plan`?; allowed: plan',
  ]);
});

await t.test('kinds keep the order of the file', async (t) => {
  const { config } = await load(`${minimal}context: { org: {}, user: {} }`);
  t.strictSame(
    config?.context.map(({ kind, anonymous }) => [kind, anonymous?.cookie]),
    [
      ['org', undefined],
      ['user', 'trenchcoat_id'],
    ],
  );
});
