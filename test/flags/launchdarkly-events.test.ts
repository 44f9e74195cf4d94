import t from 'tap';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { openFlags } from '../../src/flags/source.ts';

const tracked = { ...fixedFlag('api', 'v1'), trackEvents: true };

await t.test('events arrive when the source closes, without the private attributes', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  const provider = await openFlags(launchDarklyAt(stub.url, { events: true }), keptLog());
  await provider.evaluate(
    'api',
    user('ann', { plan: 'pro', email: 'ann@example.org', _meta: { privateAttributes: ['email'] } }),
    'default',
  );
  await provider.close(5000);
  t.match(stub.events(), [
    {
      kind: 'index',
      context: { kind: 'user', key: 'ann', plan: 'pro', _meta: { redactedAttributes: ['email'] } },
    },
    { kind: 'feature', key: 'api', value: 'v1', reason: { kind: 'FALLTHROUGH' } },
    { kind: 'summary', features: { api: { counters: [{ value: 'v1', count: 1 }] } } },
  ]);
  const posts = stub.requests.filter(({ method }) => method === 'POST');
  t.match(posts.map(({ url }) => url).toSorted(), ['/bulk', '/diagnostic']);
  t.notOk(JSON.stringify(posts).includes('ann@example.org'), 'the private attribute went nowhere');
});

await t.test('with events off nothing is posted', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  const provider = await openFlags(launchDarklyAt(stub.url, { events: false }), keptLog());
  await provider.evaluate('api', user('ann'), 'default');
  await provider.close(5000);
  t.same(
    stub.requests.map(({ method, url }) => `${method} ${url}`),
    ['GET /all'],
  );
});

await t.test('a close waits for what is on its way, until its deadline', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  stub.behaviour.takesEvents = false;
  const provider = await openFlags(launchDarklyAt(stub.url, { events: true }), keptLog());
  await provider.evaluate('api', user('ann'), 'default');
  const start = performance.now();
  await provider.close(300);
  const took = performance.now() - start;
  t.ok(took >= 290 && took < 2000, `${took} ms`);
  t.equal(stub.events().length, 3, 'they were sent');
  await until(() => stub.connections() === 0, 'no connection left');
});

await t.test('events that cannot be delivered are said once', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  const log = keptLog();
  const provider = await openFlags(launchDarklyAt(stub.url, { events: true }), log);
  stub.behaviour.status = 413;
  await provider.evaluate('api', user('ann'), 'default');
  await provider.close(5000);
  t.match(log.said(/cannot be delivered/), [{ level: 'warn', message: /413/ }]);
});

await t.test('events leave by themselves every few seconds', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: tracked } });
  t.teardown(stub.close);
  const provider = await openFlags(launchDarklyAt(stub.url, { events: true }), keptLog());
  t.teardown(() => provider.close(1000));
  await provider.evaluate('api', user('ann'), 'default');
  await until(() => stub.events().length > 0, 'events without a close', 15_000);
  t.match(stub.events()[0], { kind: 'index' });
});
