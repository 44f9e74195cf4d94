import t, { type Test } from 'tap';
import type { FlagProvider } from '../../src/flags/provider.ts';
import { until } from '../support/client.ts';
import { fixedFlag, keptLog, launchDarklyAt, opened, percentFlag, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';

const valueOf = async (provider: FlagProvider, key = 'api') =>
  (await provider.evaluate(key, user('1'), 'default')).value;
const becomes = (provider: FlagProvider, value: unknown, within = 1000) =>
  until(async () => (await valueOf(provider)) === value, `the value ${String(value)}`, within);

async function streaming(t: Test) {
  const stub = await launchDarklyStub({ flags: { api: fixedFlag('api', 'v0', 5) } });
  t.teardown(stub.close);
  const log = keptLog();
  const provider = await opened(t, launchDarklyAt(stub.url), log);
  return { stub, log, provider };
}

await t.test('flags are there when it opens, with the data they came as', async (t) => {
  const { provider, log } = await streaming(t);
  t.equal(await valueOf(provider), 'v0');
  t.match(provider.flagData('api'), fixedFlag('api', 'v0', 5));
  t.equal(provider.flagData('nowhere'), undefined);
  t.same(provider.state(), { initialized: true, healthy: true, detail: 'flags stream from LaunchDarkly' });
  t.same(
    log.lines.filter(({ level }) => level !== 'debug'),
    [],
    'with nothing to say',
  );
});

await t.test('a patch, a delete and a whole new set count within a second', async (t) => {
  const { stub, provider } = await streaming(t);
  stub.patch('api', fixedFlag('api', 'v1', 6));
  await becomes(provider, 'v1');
  stub.remove('api', 7);
  await becomes(provider, 'default');
  t.equal(provider.flagData('api'), undefined);
  stub.patch('api', fixedFlag('api', 'v2', 8));
  await becomes(provider, 'v2');
  stub.put({ flags: { api: percentFlag('api', 100, 9) } });
  await becomes(provider, 1);
  t.match(provider.flagData('api'), { salt: 'a-salt' });
});

await t.test('a stale version changes nothing', async (t) => {
  const { stub, provider } = await streaming(t);
  stub.patch('api', fixedFlag('api', 'older', 4));
  stub.patch('api', fixedFlag('api', 'same', 5));
  stub.remove('api', 5);
  stub.patch('marker', fixedFlag('marker', 1));
  await until(async () => (await valueOf(provider, 'marker')) === 1, 'the marker after them');
  t.equal(await valueOf(provider), 'v0');
});

await t.test('data that cannot be read keeps the last good flags', async (t) => {
  const { stub, provider, log } = await streaming(t);
  for (const [event, text] of [
    ['put', '{"path":"/","data":{"fl'],
    ['patch', 'nonsense'],
    ['put', '{"path":"/","data":{}}'],
    ['put', '{"path":"/","data":{"flags":null,"segments":null}}'],
    ['patch', '{"path":"/flags/broken","data":{"key":"broken","version":9,"on":true}}'],
  ] as const)
    stub.garble(event, text);
  const broken = () => provider.evaluate('broken', user('1'), 'default');
  await until(async () => (await broken()).reason.errorKind !== 'FLAG_NOT_FOUND', 'the last of them');
  t.equal(await valueOf(provider), 'v0');
  t.match(await broken(), { value: 'default', reason: { kind: 'ERROR' } });
  t.equal(provider.flagData('broken'), undefined, 'what cannot be explained is not handed out');
  t.match(log.said(/cannot be read: the last known flags are served/), [{ level: 'warn' }]);
  stub.patch('api', fixedFlag('api', 'v1', 6));
  await becomes(provider, 'v1');
});

await t.test('while what was sent cannot be read the source is not healthy', async (t) => {
  const { stub, provider } = await streaming(t);
  stub.garble('put', '{"path":"/","data":{"flags":null}}');
  await until(() => !provider.state().healthy, 'the bad message');
  t.match(provider.state(), { initialized: true, detail: /cannot be read, the last known flags are served/ });
  stub.patch('api', fixedFlag('api', 'v1', 6));
  await becomes(provider, 'v1');
  t.equal(provider.state().healthy, true);
});

await t.test('bad data before the first good data only costs time', async (t) => {
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  stub.behaviour.first = 'not JSON';
  const opening = opened(t, launchDarklyAt(stub.url));
  await until(() => stub.streams() === 1, 'the stream');
  stub.put({ flags: { api: fixedFlag('api', 'v1') } });
  const provider = await opening;
  t.equal(await valueOf(provider), 'v1');
  t.equal(provider.state().healthy, true);
});
