import t from 'tap';
import { load, problemsOf } from '../support/config.ts';

const upstreams = 'upstreams: { v0: { url: http://a }, v1: { url: http://b } }\n';

await t.test('a default that is no version', async (t) => {
  t.strictSame(
    await problemsOf(`${upstreams}routes: [{ name: r, flag: f, versions: { 0: v0, 1: v1 }, default: 2 }]`),
    ['2:67 routes[0].default: 2 is not one of the versions; allowed: 0, 1'],
  );
});

await t.test('an upstream that is not there', async (t) => {
  t.strictSame(await problemsOf(`${upstreams}routes: [{ name: r, upstream: vO }]`), [
    '2:31 routes[0].upstream: "vO" is not one of the upstreams; did you mean `v0`?; allowed: v0, v1',
  ]);
  t.strictSame(
    await problemsOf(`${upstreams}routes: [{ name: r, upstream: toString }]`),
    ['2:31 routes[0].upstream: "toString" is not one of the upstreams; allowed: v0, v1'],
    'what every object has is no upstream',
  );
});

await t.test('flag values of any type are versions, in the words that X-Api-Version says', async (t) => {
  const { config } = await load(
    `${upstreams}routes:
  - { name: a, match: { path: /a }, flag: f, versions: { true: v1, false: v0 }, default: false }
  - { name: b, match: { path: /b }, flag: f, versions: { "1": v1, blue: v0, 2.5: v0 }, default: 1 }`,
  );
  const versions = config?.routes.map(
    (route) => route.kind === 'flag' && { ...route, versions: [...route.versions] },
  );
  t.match(versions, [
    {
      versions: [
        ['true', 'v1'],
        ['false', 'v0'],
      ],
      default: 'false',
    },
    {
      versions: [
        ['1', 'v1'],
        ['blue', 'v0'],
        ['2.5', 'v0'],
      ],
      default: '1',
    },
  ]);
});

await t.test('a version that no header could carry', async (t) => {
  t.strictSame(
    await problemsOf(
      `${upstreams}routes: [{ name: r, flag: f, versions: { "a\\nb": v0 }, default: "a\\nb" }]`,
    ),
    [
      '2:42 routes[0].versions["a\\nb"]: a key here must be a version: 1 to 64 visible ASCII characters',
      '2:65 routes[0].default: found "a\\nb"; expected a version: 1 to 64 visible ASCII characters',
    ],
  );
});
