import t from 'tap';
import { load, minimal, problemsOf } from '../support/config.ts';

const upstream = (settings: string) =>
  `upstreams: { v0: { url: "http://127.0.0.1:1", ${settings} } }\nroutes: [{ name: r, upstream: v0 }]\n`;
const cookie = (maxAge: string) => `${minimal}context: { user: { anonymous: { maxAge: ${maxAge} } } }\n`;
const launchDarkly = (initTimeout: string) =>
  `${minimal}flags: { source: launchdarkly, sdkKey: sdk, initTimeout: ${initTimeout} }\n`;

const timeouts: Record<string, (value: string) => string> = {
  connectTimeout: (value) => upstream(`connectTimeout: ${value}`),
  responseTimeout: (value) => upstream(`responseTimeout: ${value}`),
  idleTimeout: (value) => upstream(`idleTimeout: ${value}`),
  headTimeout: (value) => `${minimal}limits: { headTimeout: ${value} }`,
  bodyIdleTimeout: (value) => `${minimal}limits: { bodyIdleTimeout: ${value} }`,
  keepAliveTimeout: (value) => `${minimal}limits: { keepAliveTimeout: ${value} }`,
  initTimeout: launchDarkly,
};
const waits: typeof timeouts = {
  delay: (value) => `${minimal}shutdown: { delay: ${value} }`,
  drain: (value) => `${minimal}shutdown: { drain: ${value} }`,
};
const sizes: typeof timeouts = {
  headerBytes: (value) => `${minimal}limits: { headerBytes: ${value} }`,
  uriBytes: (value) => `${minimal}limits: { uriBytes: ${value} }`,
};
const bodyBytes = (value: string) => `${minimal}limits: { bodyBytes: ${value} }`;

for (const [keys, what, good, bad] of [
  [
    timeouts,
    'a duration of 1ms to 12d',
    ['1ms', '12d', '0.5s'],
    ['0s', '0ms', '0.4ms', '12.1d', '30d', '999999999d'],
  ],
  [waits, 'a duration of 0s to 12d', ['0s', '12d'], ['30d', '289h']],
  [{ maxAge: cookie }, 'a duration of 1s to 400d', ['1s', '365d', '400d'], ['0s', '401d']],
  [sizes, 'a size of 1B to 1GiB', ['1B', '1GiB', '1024MiB'], ['0B', '2GiB', '1025MiB', '999999999GiB']],
  [{ bodyBytes }, 'a size of 1B to 1024GiB', ['off', '1B', '5GiB', '1024GiB'], ['0B', '1025GiB']],
] as const)
  for (const [key, yaml] of Object.entries(keys))
    await t.test(`${key} is ${what}`, async (t) => {
      for (const value of good) t.same((await load(yaml(value))).problems, [], value);
      for (const value of bad) {
        const problems = await problemsOf(yaml(value));
        t.equal(problems.length, 1, value);
        t.match(problems[0], `${key}: found "${value}"; expected ${what}`);
      }
    });

for (const [key, least, most] of [
  ['maxConnections', 1, 65_535],
  ['queue', 0, 1_000_000],
  ['maxTunnels', 0, 1_000_000],
] as const)
  await t.test(`${key} is a whole number of ${least} to ${most}`, async (t) => {
    for (const value of [least, most])
      t.same((await load(upstream(`${key}: ${value}`))).problems, [], `${value}`);
    for (const value of [least - 1, most + 1, 1.5, 'many']) {
      const problems = await problemsOf(upstream(`${key}: ${value}`));
      t.equal(problems.length, 1, `${value}`);
      t.match(problems[0], `upstreams.v0.${key}: found `);
    }
  });

await t.test('a bound that is off bounds nothing', async (t) => {
  t.equal((await load(bodyBytes('off'))).config?.limits.bodyBytes, Number.POSITIVE_INFINITY);
  t.equal((await load(bodyBytes('8MiB'))).config?.limits.bodyBytes, 8 * 1024 ** 2);
  t.match(await problemsOf(bodyBytes('none')), [
    'limits.bodyBytes: found "none"; expected off, or a size of 1B to 1024GiB',
  ]);
});
