import t from 'tap';
import { load, problemsOf } from '../support/config.ts';

/** A route with this guard; the flag is rolled out here when `rollout` says so. */
const guarded = (guard: string, { rollout = true, flags = '' } = {}): string =>
  `upstreams: { a: { url: http://127.0.0.1:1 }, b: { url: http://127.0.0.1:2 } }
routes: [{ name: r, flag: f, versions: { 0: a, 1: b }, default: 0, guard: { ${guard} } }]
${rollout ? 'rollouts: { f: { from: 0, to: 1, stages: [{ percent: 25, for: 1m }] } }' : ''}
${flags}
`;

await t.test('what is not said of a guard has the documented value', async (t) => {
  const { config, problems } = await load(guarded(''));
  t.strictSame(problems, []);
  const [route] = config?.routes ?? [];
  t.strictSame(route?.kind === 'flag' && route.guard, {
    onRegression: 'rollback',
    unit: 'context',
    clientErrors: false,
    errors: { tolerated: 1.25, minDifference: 0.1, minFailures: 5 },
    latency: { tolerated: 1.1, slack: 5 },
    connectFailures: 5,
    falseAlarms: { act: 0.01, warn: 0.05, split: 0.001 },
    epoch: 600_000,
  });
  const none = await load(guarded('').replace(', guard: {  }', ''));
  t.strictSame(none.config?.routes, config?.routes, 'and so it is without any');
});

await t.test('latency and failing connections may be left out of it', async (t) => {
  const { config } = await load(guarded('latency: off, connectFailures: off'));
  const [route] = config?.routes ?? [];
  t.match(route, { guard: { latency: undefined, connectFailures: Infinity } });
});

await t.test('the address of a webhook may have a query, as chats want it', async (t) => {
  const { config } = await load(
    `${guarded('')}notify: [{ webhook: "https://chat.example/hook?token=x&y" }]\n`,
  );
  t.equal(config?.notify[0]?.webhook.search, '?token=x&y');
});

const launchdarkly = 'launchdarkly: { apiToken: x, project: p, environment: e }';
const remote = { rollout: false, flags: 'flags: { source: launchdarkly, sdkKey: x }' };

const mistakes: Record<string, [string, string[]]> = {
  'a guard on a route with one version': [
    'upstreams: { a: { url: http://127.0.0.1:1 } }\nroutes: [{ name: r, upstream: a, guard: {} }]\n',
    ['2:41 routes[0].guard: a route without a flag has one version; there is nothing to guard'],
  ],
  'a percentage to hold that is held elsewhere': [
    guarded('onRegression: pause', remote),
    [
      '2:91 routes[0].guard.onRegression: without a rollout of this flag under `rollouts` there is no percentage to hold; use rollback, notify or off',
    ],
  ],
  'LaunchDarkly asked about a local flag': [
    guarded(launchdarkly),
    [
      '2:91 routes[0].guard.launchdarkly: with local flags there is nothing to turn off in LaunchDarkly; remove it',
    ],
  ],
  'a flag to turn off with nothing but a notice': [
    guarded(`onRegression: notify, ${launchdarkly}`, remote),
    [
      '2:113 routes[0].guard.launchdarkly: a flag is turned off with `onRegression: rollback` alone; remove it',
    ],
  ],
  'a chance that is none': [
    guarded('falseAlarms: { act: 0 }'),
    [
      '2:97 routes[0].guard.falseAlarms.act: found 0 (a number); expected a chance above 0, and 0.5 at the most',
    ],
  ],
  'an epoch of no length': [
    guarded('epoch: 1s'),
    ['2:84 routes[0].guard.epoch: found "1s"; expected a duration of 1m to 1d'],
  ],
  'a webhook that is no address': [
    `${guarded('')}notify: [{ webhook: "ftp://secret.example" }]\n`,
    [
      '5:21 notify[0].webhook: found a string; expected an http:// or https:// address without credentials or fragment',
    ],
  ],
};

for (const [name, [text, expected]] of Object.entries(mistakes))
  await t.test(`${name} is a mistake with its place`, async (t) => {
    t.strictSame(await problemsOf(text), expected);
  });
