import t from 'tap';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, opened, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';

await t.test('a lost stream: the last values for as long as it lasts, then the new ones', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v0', 1) } });
  t.teardown(stub.close);
  const log = keptLog();
  const provider = await opened(t, launchDarklyAt(stub.url), log);
  const value = async () => (await provider.evaluate('api', user('1'), 'default')).value;

  await stub.down();
  await until(() => !provider.state().healthy, 'the loss');
  t.match(provider.state(), {
    initialized: true,
    detail: /stream .* is lost, the last known flags are served/,
  });
  // Refused at least once, by its own account.
  await until(() => /ECONNREFUSED/.test(provider.state().detail), 'a refused attempt', 10_000);
  t.equal(await value(), 'v0');

  stub.set({ flags: { api: fixedFlag('api', 'v1', 2) } });
  await stub.up();
  await until(async () => (await value()) === 'v1', 'the new value', 30_000);
  t.equal(provider.state().healthy, true);
  t.match(log.said(/stream .* is lost/), [{ level: 'warn' }], 'the loss is said once');
  t.equal(log.said(/stream .* is lost/).length, 1);
  t.match(log.said(/again/), [{ level: 'info' }], 'the return is said once');
  t.equal(log.said(/again/).length, 1);
});

await t.test('a connection cut once is back by itself', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v0', 1) } });
  t.teardown(stub.close);
  const provider = await opened(t, launchDarklyAt(stub.url));
  stub.set({ flags: { api: fixedFlag('api', 'v1', 2) } });
  stub.cut();
  const value = async () => (await provider.evaluate('api', user('1'), 'default')).value;
  t.equal(await value(), 'v0');
  await until(async () => (await value()) === 'v1', 'the new value', 10_000);
});

await t.test('an error that passes is retried', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v0') } });
  t.teardown(stub.close);
  stub.behaviour.status = 503;
  const log = keptLog();
  const provider = await opened(t, launchDarklyAt(stub.url, { initTimeout: 100 }), log);
  t.match(provider.state(), { initialized: false, healthy: false, detail: /503/ });
  stub.behaviour.status = 200;
  await until(() => provider.state().healthy, 'flags', 10_000);
  t.equal((await provider.evaluate('api', user('1'), 'default')).value, 'v0');
});
