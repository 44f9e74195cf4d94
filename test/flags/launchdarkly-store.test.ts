import t from 'tap';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, opened, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import type { FlagProvider } from '../../src/flags/provider.ts';
import { storedFlags } from '../../src/flags/stored-flags.ts';

const skip = { skip: skipWithoutRedis() };

const valueOf = async (provider: FlagProvider, flag = 'api') =>
  (await provider.evaluate(flag, user('1'), 'default')).value;

/** The value, if it is there before anything that waits could be: every microtask runs before the first immediate. */
async function withinTick(provider: FlagProvider): Promise<unknown> {
  let value: unknown;
  void valueOf(provider).then((found) => (value = found));
  await new Promise((resolve) => setImmediate(resolve));
  return value;
}

/** A segment that has so many users that the SDK keeps them in sets. */
const crowd = (version = 1) => ({
  key: 'crowd',
  version,
  salt: 's',
  included: Array.from({ length: 200 }, (_, count) => String(count)),
  excluded: [],
  includedContexts: [{ contextKind: 'user', values: Array.from({ length: 200 }, (_, count) => `u${count}`) }],
  rules: [],
});

const forCrowd = {
  ...fixedFlag('crowded', 'outside'),
  variations: ['outside', 'inside'],
  rules: [
    { variation: 1, clauses: [{ op: 'segmentMatch', attribute: '', values: ['crowd'], negate: false }] },
  ],
};

await t.test('what LaunchDarkly sends is stored as other SDKs store it', skip, async (t) => {
  const redis = await startRedis(t);
  const look = redis.client();
  const stub = await launchDarklyStub({
    flags: { api: fixedFlag('api', 'v1'), crowded: forCrowd, gone: fixedFlag('gone', 1) },
    segments: { crowd: crowd() },
  });
  t.teardown(stub.close);
  const provider = await opened(t, launchDarklyAt(stub.url, { store: new URL(redis.url) }));
  const stored = async (key: string, namespace = 'features') =>
    JSON.parse((await look.hget(`launchdarkly:${namespace}`, key)) ?? '{}') as Record<string, unknown>;

  await until(() => look.exists('launchdarkly:$inited'), 'the copy');
  t.same((await look.keys('*')).toSorted(), [
    'launchdarkly:$inited',
    'launchdarkly:features',
    'launchdarkly:segments',
  ]);
  t.same(await stored('api'), fixedFlag('api', 'v1'));
  t.same(await stored('crowd', 'segments'), crowd(), 'long lists whole');
  t.equal(await valueOf(provider, 'crowded'), 'inside', 'and they are still there in memory');

  await t.test('so are changes and deletions', async (t) => {
    stub.patch('api', fixedFlag('api', 'v2', 2));
    await until(async () => (await stored('api'))['version'] === 2, 'the patch');
    t.same(await stored('api'), fixedFlag('api', 'v2', 2));
    stub.remove('gone', 5);
    await until(async () => (await stored('gone'))['deleted'], 'the tombstone');
    t.match(await stored('gone'), { version: 5, deleted: true });
    stub.put({ flags: { api: fixedFlag('api', 'v3', 3) } });
    await until(async () => (await stored('api'))['version'] === 3, 'the new set');
    t.same(await look.hkeys('launchdarkly:features'), ['api']);
  });

  await t.test('a change that somebody newer has overtaken is left out', async (t) => {
    await look.hset('launchdarkly:features', 'api', JSON.stringify(fixedFlag('api', 'newer', 50)));
    stub.patch('api', fixedFlag('api', 'v4', 4));
    stub.patch('last', fixedFlag('last', 'v4', 4));
    await until(async () => (await stored('last'))['version'] === 4, 'the change after it');
    t.match(await stored('api'), { version: 50 });
    stub.put({ flags: { api: fixedFlag('api', 'v5', 5) } });
    await until(async () => (await stored('api'))['version'] === 5, 'the whole set');
  });
});

await t.test('a start without LaunchDarkly serves the last known flags', skip, async (t) => {
  const redis = await startRedis(t);
  const store = new URL(redis.url);
  const stub = await launchDarklyStub({
    flags: { api: fixedFlag('api', 'v1'), crowded: forCrowd },
    segments: { crowd: crowd() },
  });
  t.teardown(stub.close);
  await opened(t, launchDarklyAt(stub.url, { store }));
  const look = redis.client();
  await until(() => look.exists('launchdarkly:$inited'), 'the copy');
  await stub.down();

  const log = keptLog();
  const provider = await opened(t, launchDarklyAt(stub.url, { store, initTimeout: 1000 }), log);
  await until(() => provider.state().initialized, 'the stored flags');
  t.equal(await valueOf(provider), 'v1');
  t.equal(await valueOf(provider, 'crowded'), 'inside');
  t.match(provider.flagData('api'), { key: 'api' });
  t.match(provider.state(), {
    initialized: true,
    healthy: false,
    detail: /^no flags from LaunchDarkly yet, the last known flags from the store are served \(/,
  });
  t.match(
    log.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message),
    [
      'no flags from LaunchDarkly within 1000 ms: the last known flags from the store are served until they come',
    ],
  );

  await t.test('with Redis stalled or gone, an evaluation settles within the tick', async (t) => {
    redis.stall();
    t.equal(await withinTick(provider), 'v1');
    redis.resume();
    await redis.kill();
    t.equal(await withinTick(provider), 'v1');
    await redis.up();
  });

  await t.test('and the live ones, here and in the store, once it is back', async (t) => {
    stub.set({ flags: { api: fixedFlag('api', 'v2', 2) } });
    await stub.up();
    await until(async () => (await valueOf(provider)) === 'v2', 'the live flags', 30_000);
    t.match(provider.state(), { healthy: true, detail: /^flags stream from LaunchDarkly/ });
    await until(async () => (await look.hget('launchdarkly:features', 'api'))?.includes('v2'), 'the copy');
  });
});

await t.test('a refused SDK key leaves the last known flags in force', skip, async (t) => {
  const redis = await startRedis(t);
  const store = new URL(redis.url);
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  await opened(t, launchDarklyAt(stub.url, { store }));
  const look = redis.client();
  await until(() => look.exists('launchdarkly:$inited'), 'the copy');
  stub.behaviour.status = 401;
  const provider = await opened(t, launchDarklyAt(stub.url, { store }));
  await until(() => provider.state().initialized, 'the stored flags');
  t.equal(await valueOf(provider), 'v1');
  t.match(provider.state(), {
    healthy: false,
    detail: /\(401\).*last known flags from the store are served$/,
  });
});

await t.test('what is written is left as it was', skip, async (t) => {
  const redis = await startRedis(t);
  const store = storedFlags(new URL(redis.url), { deadline: 2000, pause: 100 }, () => {});
  t.teardown(store.close);
  const users = new Set(['a', 'b']);
  // As the SDK keeps a segment with long lists.
  const segment = () => ({
    key: 'crowd',
    version: 1,
    generated_includedSet: users,
    includedContexts: [{ contextKind: 'user', values: [], generated_valuesSet: users }],
  });
  const items = { features: {}, segments: { crowd: segment() } };
  await store.write(items, false);
  t.same(items.segments.crowd, segment());
  const item = { ...segment(), version: 2 };
  await store.upsert('segments', item);
  t.same(item, { ...segment(), version: 2 });
  t.match(JSON.parse((await redis.client().hget('launchdarkly:segments', 'crowd')) ?? ''), {
    version: 2,
    included: ['a', 'b'],
    includedContexts: [{ values: ['a', 'b'] }],
  });
});
