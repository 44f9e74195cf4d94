import t from 'tap';
import { askAdmin } from '../support/admin-answer.ts';
import { until } from '../support/client.ts';
import { guardedFlag } from '../support/guarded-flag.ts';
import { failing } from '../support/guarded.ts';
import { crowd } from '../support/rollout.ts';
import { steadyClient } from '../support/steady-client.ts';

t.jobs = 2;

void t.test(
  'a flag of LaunchDarkly is overridden at once, turned off, and decides again once cleared',
  async (t) => {
    const { api, stub, flag, key, start } = await guardedFlag(t);
    const proxy = await start();
    const client = steadyClient(t, [proxy.port], { rate: 50 });
    const trip = await proxy.found();
    await until(() => (client.versionsSince(Date.parse(trip.at) + 1)['v0'] ?? 0) > 50, 'a second more');
    await client.stop();
    t.match(trip, { flag: key, action: 'rollback', percent: 50, stage: null, treatment: { version: 'v1' } });
    t.same(
      Object.keys(client.versionsSince(Date.parse(trip.at) + 1)),
      ['v0'],
      'everybody, with the next request',
    );

    for (const uid of crowd(6)) t.equal(await proxy.served(uid), 'v0 GUARD');
    t.equal(await proxy.served('tester', 'v1'), 'v1 OVERRIDE');
    await until(async () => (await proxy.guard()).launchdarkly?.status === 'off', 'turned off');
    t.match((await proxy.guard()).launchdarkly, { detail: 'turned off in prod&eu' });
    t.same(
      api.seen.map(({ method }) => method),
      ['GET', 'PATCH'],
    );
    t.equal(api.seen[1]?.body?.['comment'], `trenchcoat: ${trip.words}`);
    t.same([api.mistakes, api.state.on], [[], false]);

    stub.patch(key, { ...flag, on: false, version: 2 });
    t.equal(await proxy.served('somebody'), 'v0 GUARD', 'the flag being off, nobody clears it');
    stub.patch(key, { ...flag, version: 3 });
    t.equal(await proxy.served('somebody'), 'v0 GUARD', 'nor with its being on again');
    t.match(await askAdmin(proxy.adminPort, 'POST', '/api/guard/facts/clear'), { status: 200 });
    const served = await Promise.all(crowd(20).map((uid) => proxy.served(uid)));
    t.same(new Set(served), new Set(['v0 FALLTHROUGH', 'v1 FALLTHROUGH']));
    t.match(await proxy.guard(), { trip: undefined, launchdarkly: undefined });
    t.equal(api.seen.length, 2, 'one PATCH in all');
  },
);

void t.test('a flag that is v1 when it is off is left alone, loudly', async (t) => {
  const { api, start } = await guardedFlag(t, failing(1), { offVariation: 1 });
  const proxy = await start();
  const client = steadyClient(t, [proxy.port], { rate: 50 });
  await proxy.found();
  await until(async () => (await proxy.guard()).launchdarkly?.status === 'left alone', 'left alone');
  t.equal(await proxy.served('somebody'), 'v0 GUARD', 'overridden all the same');
  await client.stop();
  t.match((await proxy.guard()).launchdarkly, { detail: /off variation is "v1", not the control "v0"/ });
  const line = proxy
    .logText()
    .split('\n')
    .find((text) => text.includes('is not turned off in LaunchDarkly'));
  t.match(JSON.parse(line ?? ''), { level: 'error', msg: /it is left alone, because/ });
  t.same([api.seen.map(({ method }) => method), api.state.on], [['GET'], true]);
});
