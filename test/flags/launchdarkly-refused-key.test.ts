import t from 'tap';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, opened, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';

const sdkKey = 'sdk-a-secret-that-is-nobodys-business';

await t.test('a refused key is said once, with how to mend it, and traffic gets defaults', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  stub.behaviour.status = 401;
  const log = keptLog();
  const start = performance.now();
  const provider = await opened(
    t,
    launchDarklyAt(stub.url, { sdkKey, initTimeout: 60_000, events: true }),
    log,
  );
  t.ok(performance.now() - start < 5000, 'without waiting for initTimeout');
  t.match(await provider.evaluate('api', user('1'), 0), {
    value: 0,
    reason: { errorKind: 'CLIENT_NOT_READY' },
  });
  t.match(provider.state(), {
    initialized: false,
    healthy: false,
    detail: /refused the SDK key \(401\): set flags\.sdkKey to a server-side SDK key .* defaults are served/,
  });
  for (let count = 0; count < 100; count += 1) await provider.evaluate('api', user('1'), 0);
  await provider.close(1000);
  const said = log.lines.filter(({ level }) => level !== 'debug');
  t.match(said, [{ level: 'error', fields: { status: 401 }, message: /refused the SDK key/ }]);
  t.equal(said.length, 1);
  t.notOk(JSON.stringify(log.lines).includes(sdkKey), 'the key is in no line');
});

await t.test('a key refused later leaves the last known flags', async (t) => {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v1') } });
  t.teardown(stub.close);
  const log = keptLog();
  const provider = await opened(t, launchDarklyAt(stub.url, { sdkKey }), log);
  stub.behaviour.status = 401;
  stub.cut();
  await until(() => log.said(/refused the SDK key/).length > 0, 'the refusal', 10_000);
  t.equal((await provider.evaluate('api', user('1'), 0)).value, 'v1');
  t.match(provider.state(), { initialized: true, healthy: false, detail: /the last known flags are served/ });
});

await t.test('another refusal names its status', async (t) => {
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  stub.behaviour.status = 403;
  const log = keptLog();
  const provider = await opened(t, launchDarklyAt(stub.url), log);
  t.match(provider.state().detail, /refused the connection for good \(403\)/);
  t.equal(log.lines.filter(({ level }) => level === 'error').length, 1);
});

await t.test('a key that no header can carry is an error of the file, not a crash', async (t) => {
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  await t.rejects(opened(t, launchDarklyAt(stub.url, { sdkKey: 'a\nb', initTimeout: 100 })), {
    name: 'UserError',
    message: /flags\.sdkKey/,
  });
});
