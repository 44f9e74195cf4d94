import t from 'tap';
import { load, minimal, problemsOf } from '../support/config.ts';

const flags = (more: string) => `${minimal}flags: { source: launchdarkly, sdkKey: k, ${more} }`;

await t.test('a store is a Redis, and a daemon needs one', async (t) => {
  const { config, problems } = await load(
    flags('store: redis://:pw@redis:6379/2, daemon: true, metricSampling: 0.5'),
  );
  t.strictSame(problems, []);
  t.match(config?.flags, { daemon: true, metricSampling: 0.5, store: new URL('redis://:pw@redis:6379/2') });
  t.strictSame(await problemsOf(flags('daemon: true')), [
    '3:51 flags.daemon: a daemon needs a `store` to take flags from',
  ]);
  t.strictSame(await problemsOf(flags('daemon: false')), []);
});

await t.test('a store that is none is said without its password', async (t) => {
  const [problem = ''] = await problemsOf(flags('store: "http://:pw-secret@redis"'));
  t.match(problem, /^3:50 flags\.store: .*a redis:\/\/ or rediss:\/\/ address/);
  t.notMatch(problem, 'pw-secret');
});

await t.test('a share of requests is a number from 0 to 1', async (t) => {
  for (const value of ['-0.1', '1.1', 'all', '.nan'])
    t.match(await problemsOf(flags(`metricSampling: ${value}`)), [/^3:59 flags\.metricSampling: /], value);
});
