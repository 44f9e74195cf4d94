import t from 'tap';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, opened, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';

await t.test('absent at boot: the default at once, the value of the flag once it appears', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  await stub.down();
  const log = keptLog();
  const start = performance.now();
  const provider = await opened(t, launchDarklyAt(stub.url, { initTimeout: 200 }), log);
  const took = performance.now() - start;
  t.ok(took >= 190 && took < 1500, `opens after initTimeout: ${took} ms`);
  t.same(await provider.evaluate('api', user('1'), 'default'), {
    value: 'default',
    variationIndex: undefined,
    reason: { kind: 'ERROR', errorKind: 'CLIENT_NOT_READY' },
  });
  t.match(provider.state(), {
    initialized: false,
    healthy: false,
    detail: /^no flags from LaunchDarkly yet/,
  });
  for (let count = 0; count < 1000; count += 1) await provider.evaluate('api', user('1'), 'default');

  await stub.up();
  await until(
    async () => (await provider.evaluate('api', user('1'), 'default')).value === 'v1',
    'the value of the flag',
    30_000,
  );
  t.same(provider.state(), { initialized: true, healthy: true, detail: 'flags stream from LaunchDarkly' });
  t.same(
    log.lines.filter(({ level }) => level !== 'debug').map(({ level, message }) => [level, message]),
    [
      ['warn', 'no flags from LaunchDarkly within 200 ms: defaults are served until they come'],
      ['info', 'flags have come from LaunchDarkly: they are served from now on'],
    ],
  );
});

await t.test('a server that takes the connection and says nothing', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  stub.behaviour.delay = undefined;
  const provider = await opened(t, launchDarklyAt(stub.url, { initTimeout: 100 }));
  t.match(await provider.evaluate('api', user('1'), 0), {
    value: 0,
    reason: { errorKind: 'CLIENT_NOT_READY' },
  });
});

await t.test('a slow answer within initTimeout is waited for', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  stub.behaviour.delay = 300;
  const log = keptLog();
  const provider = await opened(t, launchDarklyAt(stub.url, { initTimeout: 20_000 }), log);
  t.equal((await provider.evaluate('api', user('1'), 0)).value, 'v1');
  t.same(log.said(/defaults are served/), []);
});
