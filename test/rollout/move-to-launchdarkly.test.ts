import t from 'tap';
import { minute } from '../support/clock.ts';
import { launchDarklyAt, opened, percentFlag, user } from '../support/flags.ts';
import { launchDarklyStub } from '../support/launchdarkly-stub.ts';
import { config, crowd, startRollouts } from '../support/rollout.ts';

await t.test('with the same salt, a percentage rollout in LaunchDarkly serves the same users', async (t) => {
  const local = await startRollouts(t, { rollouts: { api: config({ salt: 'a-salt' }) } });
  const stub = await launchDarklyStub({ flags: {} });
  t.teardown(stub.close);
  const users = crowd(2000);
  for (const percent of [25, 50, 100]) {
    t.equal(local.view().percent, percent);
    stub.set({ flags: { api: percentFlag('api', percent) } });
    const launchDarkly = await opened(t, launchDarklyAt(stub.url));
    const there = new Set<string>();
    for (const key of users)
      if ((await launchDarkly.evaluate('api', user(key), 0)).value === 1) there.add(key);
    t.same(there, await local.onTreatment(users), `at ${percent} %`);
    await local.clock.pass(minute);
  }
});
