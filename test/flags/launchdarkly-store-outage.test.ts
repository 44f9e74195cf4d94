import t, { type Test } from 'tap';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, openedQuick, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { skipWithoutRedis, startRedis, type RedisServer } from '../support/redis.ts';
import { selfSigned } from '../support/self-signed.ts';
import type { FlagProvider } from '../../src/flags/provider.ts';

const skip = { skip: skipWithoutRedis() };

const valueOf = async (provider: FlagProvider) =>
  (await provider.evaluate('api', user('1'), 'default')).value;

/** Waits until the copy of `api` has this version. */
const stored = (look: ReturnType<RedisServer['client']>, version: number) =>
  until(
    async () => (await look.hget('launchdarkly:features', 'api'))?.includes(`"version":${version}`),
    `version ${version} in Redis`,
    10_000,
  );

const said = (log: ReturnType<typeof keptLog>) =>
  log.lines.filter(({ level }) => level !== 'debug').map(({ level, message }) => `${level} ${message}`);

/** A source whose flag is stored: LaunchDarkly, Redis with a client to look into it, and the proxy's side. */
async function storing(t: Test) {
  const redis = await startRedis(t);
  const look = redis.client();
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1', 1) } });
  t.teardown(stub.close);
  const provider = await openedQuick(t, launchDarklyAt(stub.url, { store: new URL(redis.url) }));
  await stored(look, 1);
  return { redis, look, stub, provider };
}

await t.test(
  'Redis away at boot is said once, waited for by nobody, and filled once it is there',
  skip,
  async (t) => {
    const redis = await startRedis(t);
    await redis.kill();
    const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1', 1) } });
    t.teardown(stub.close);
    const log = keptLog();
    const start = performance.now();
    const provider = await openedQuick(t, launchDarklyAt(stub.url, { store: new URL(redis.url) }), log);
    t.ok(performance.now() - start < 1500, 'the start is not held up');
    t.equal(await valueOf(provider), 'v1');
    await until(() => /is away/.test(provider.state().detail), 'the trouble');
    t.match(provider.state(), {
      healthy: true,
      detail:
        /^flags stream from LaunchDarkly; the flag store 127\.0\.0\.1:\d+ is away \(connect ECONNREFUSED/,
    });
    stub.patch('api', fixedFlag('api', 'v2', 2));
    await redis.up();
    await stored(redis.client(), 2);
    await until(() => provider.state().detail === 'flags stream from LaunchDarkly', 'the end of the trouble');
    t.match(said(log), [
      /^warn the flag store 127\.0\.0\.1:\d+ is away: flags are served from memory, and stored when it is back$/,
      /^info the flag store 127\.0\.0\.1:\d+ answers again$/,
    ]);
    t.equal(said(log).length, 2);
  },
);

await t.test('Redis that comes back empty is filled from memory, without any news', skip, async (t) => {
  const { redis, look, stub, provider } = await storing(t);
  await redis.kill();
  await until(() => /is away/.test(provider.state().detail), 'the loss');
  stub.patch('api', fixedFlag('api', 'v2', 2));
  await until(async () => (await valueOf(provider)) === 'v2', 'the change in memory');
  await redis.up();
  await stored(look, 2);
});

await t.test('Redis that hangs costs a write its deadline, and gets it later', skip, async (t) => {
  const { redis, look, stub, provider } = await storing(t);
  redis.stall();
  stub.patch('api', fixedFlag('api', 'v2', 2));
  await until(() => /is away \(no answer within 500 ms\)/.test(provider.state().detail), 'the deadline');
  redis.resume();
  await stored(look, 2);
});

await t.test(
  'without news from LaunchDarkly, what others have stored since is left alone',
  skip,
  async (t) => {
    const { look, stub, provider } = await storing(t);
    await stub.down();
    await until(() => !provider.state().healthy, 'the loss of LaunchDarkly');
    await look.hset('launchdarkly:features', 'api', JSON.stringify(fixedFlag('api', 'v9', 9)));
    const reads = async () =>
      Number(/cmdstat_hgetall:calls=(\d+)/.exec(await look.info('commandstats'))?.[1]);
    const before = await reads();
    await look.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await until(async () => (await reads()) >= before + 2, 'a look at what is stored, on a new connection');
    await look.ping();
    await stored(look, 9);
  },
);

await t.test('a wrong password is said once, in a sentence without it', skip, async (t) => {
  const redis = await startRedis(t, { password: 'the-right-one' });
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  for (const [credentials, complaint] of [
    ['', /^it refuses the user or the password: .*NOAUTH/],
    [':not-this-one@', /^it refuses the user or the password: .*WRONGPASS/],
    ['nobody:not-this-one@', /^it refuses the user or the password: .*WRONGPASS/],
  ] as const) {
    const store = new URL(`redis://${credentials}127.0.0.1:${redis.port}`);
    const log = keptLog();
    const provider = await openedQuick(t, launchDarklyAt(stub.url, { store }), log);
    await until(() => log.said(/is away/).length > 0, 'the complaint');
    t.match(log.said(/is away/), [{ level: 'warn', fields: { cause: complaint } }]);
    t.equal(await valueOf(provider), 'v1');
    t.notMatch(JSON.stringify([log.lines, provider.state()]), /not-this-one/);
  }
  const store = new URL(`redis://:the-right-one@127.0.0.1:${redis.port}/3`);
  const log = keptLog();
  await openedQuick(t, launchDarklyAt(stub.url, { store }), log);
  const look = redis.client();
  await look.select(3);
  await stored(look, 1);
  t.same(said(log), []);
});

await t.test('a certificate that nobody vouches for is refused', skip, async (t) => {
  const redis = await startRedis(t, { tls: selfSigned });
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  const provider = await openedQuick(t, launchDarklyAt(stub.url, { store: new URL(redis.url) }));
  await until(
    () =>
      /is away \(it is not trusted: self-signed certificate; name the authority/.test(
        provider.state().detail,
      ),
    'the complaint',
  );
});

await t.test('a password that Redis does not ask for is no trouble', skip, async (t) => {
  const redis = await startRedis(t);
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  const printed = t.capture(console, 'warn');
  const log = keptLog();
  await openedQuick(
    t,
    launchDarklyAt(stub.url, { store: new URL(`redis://:x@127.0.0.1:${redis.port}`) }),
    log,
  );
  await stored(redis.client(), 1);
  t.same([said(log), printed()], [[], []]);
});

await t.test('what is no flag in Redis, or no Redis at all, breaks nothing', skip, async (t) => {
  const redis = await startRedis(t);
  const look = redis.client();
  await look.set('launchdarkly:$inited', '');
  await look.hset('launchdarkly:features', {
    api: JSON.stringify(fixedFlag('api', 'v1')),
    number: '5',
    text: 'no JSON',
    nothing: 'null',
    bare: '{"version":1}',
  });
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  await stub.down();
  const store = new URL(redis.url);
  const provider = await openedQuick(t, launchDarklyAt(stub.url, { store, initTimeout: 100 }));
  await until(() => provider.state().initialized, 'the stored flags');
  t.equal(await valueOf(provider), 'v1');
  for (const key of ['number', 'text', 'nothing', 'bare'])
    t.match(await provider.evaluate(key, user('1'), 'default'), {
      value: 'default',
      reason: { kind: /ERROR|OFF/ },
    });

  await look.hset('launchdarkly:features', 'api', '{"version":1,"rules":5}');
  const log = keptLog();
  const other = await openedQuick(t, launchDarklyAt(stub.url, { store, initTimeout: 100 }), log);
  await until(() => log.said(/is away/).length > 0, 'the complaint');
  t.match(await other.evaluate('api', user('1'), 'default'), { value: 'default' });

  const notRedis = await launchDarklyStub({ flags: {} });
  t.teardown(notRedis.close);
  const third = await openedQuick(
    t,
    launchDarklyAt(stub.url, { store: new URL(`redis://127.0.0.1:${notRedis.port}`), initTimeout: 100 }),
  );
  await until(() => /is away/.test(third.state().detail), 'the complaint');
});
