import t from 'tap';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, openedQuick, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { skipWithoutRedis, startRedis, type RedisServer } from '../support/redis.ts';
import { openFlags } from '../../src/flags/source.ts';
import type { FlagProvider } from '../../src/flags/provider.ts';

const skip = { skip: skipWithoutRedis() };

const valueOf = async (provider: FlagProvider) =>
  (await provider.evaluate('api', user('1'), 'default')).value;

/** What a Relay Proxy does with a new set of flags. */
async function relay(look: ReturnType<RedisServer['client']>, value: string, version: number): Promise<void> {
  await look
    .multi()
    .del('launchdarkly:features')
    .hset(
      'launchdarkly:features',
      'api',
      JSON.stringify({ ...fixedFlag('api', value, version), trackEvents: true }),
    )
    .set('launchdarkly:$inited', '')
    .exec();
}

await t.test('a daemon takes flags from the store alone, and its state tells the truth', skip, async (t) => {
  const redis = await startRedis(t);
  const look = redis.client();
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'streamed') } });
  t.teardown(stub.close);
  const config = launchDarklyAt(stub.url, { store: new URL(redis.url), daemon: true, initTimeout: 200 });
  const log = keptLog();
  const start = performance.now();
  const provider = await openedQuick(t, config, log);
  const took = performance.now() - start;
  t.ok(took > 190 && took < 1500, `an empty store is waited for: ${took} ms`);
  t.match(await provider.evaluate('api', user('1'), 'default'), {
    value: 'default',
    reason: { errorKind: 'CLIENT_NOT_READY' },
  });
  t.match(provider.state(), {
    initialized: false,
    healthy: false,
    detail: /^the flag store 127\.0\.0\.1:\d+ holds no flags yet; defaults are served$/,
  });

  await relay(look, 'v1', 1);
  await until(async () => (await valueOf(provider)) === 'v1', 'the first flags');
  t.match(provider.state(), {
    initialized: true,
    healthy: true,
    detail: /^flags are read from the store 127\.0\.0\.1:\d+$/,
  });
  await relay(look, 'v2', 2);
  await until(async () => (await valueOf(provider)) === 'v2', 'a change');

  redis.stall();
  await until(() => !provider.state().healthy, 'the stall');
  t.match(provider.state(), {
    initialized: true,
    detail: /no answer within 500 ms.*last known flags are served$/,
  });
  t.equal(await valueOf(provider), 'v2');
  redis.resume();
  await until(() => provider.state().healthy, 'the recovery');

  await redis.kill();
  await until(() => !provider.state().healthy, 'the loss');
  await redis.up();
  await until(
    () => provider.state().detail.endsWith('holds no flags yet; the last known flags are served'),
    'emptiness',
  );
  t.equal(provider.state().healthy, false);
  t.equal(await valueOf(provider), 'v2', 'an empty store takes nothing away');
  await relay(look, 'v3', 1);
  await until(async () => (await valueOf(provider)) === 'v3', 'the flags of the new Redis');
  t.equal(provider.state().healthy, true);
  t.match(
    log.lines.filter(({ level }) => level !== 'debug').map(({ message }) => message),
    [
      /holds no flags yet: defaults/,
      /is away/,
      /answers again/,
      /is away/,
      /answers again/,
      /holds no flags yet/,
    ],
  );
  t.same(
    stub.requests.map(({ url }) => url),
    [],
    'nobody streamed',
  );
});

await t.test('a daemon with Redis away at boot says so, and starts after initTimeout', skip, async (t) => {
  const redis = await startRedis(t);
  await redis.kill();
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  const config = launchDarklyAt(stub.url, { store: new URL(redis.url), daemon: true, initTimeout: 200 });
  const provider = await openedQuick(t, config);
  t.match(provider.state(), {
    initialized: false,
    healthy: false,
    detail: /is away \(.*\); defaults are served$/,
  });
  await redis.up();
  await relay(redis.client(), 'v1', 1);
  await until(async () => (await valueOf(provider)) === 'v1', 'the flags');
});

await t.test('events of a daemon go to LaunchDarkly', skip, async (t) => {
  const redis = await startRedis(t);
  await relay(redis.client(), 'v1', 1);
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  const config = launchDarklyAt(stub.url, { store: new URL(redis.url), daemon: true, events: true });
  const provider = await openFlags(config, keptLog());
  t.equal(await valueOf(provider), 'v1');
  await provider.close(2000);
  t.match(stub.events(), [{ kind: 'index' }, { kind: 'feature', value: 'v1' }, { kind: 'summary' }]);
  t.same(
    stub.requests.filter(({ method }) => method === 'GET'),
    [],
  );
});
