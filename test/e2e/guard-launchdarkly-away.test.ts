import t from 'tap';
import { askAdmin } from '../support/admin-answer.ts';
import { until } from '../support/client.ts';
import { guardedFlag } from '../support/guarded-flag.ts';
import { crowd } from '../support/rollout.ts';
import { steadyClient } from '../support/steady-client.ts';

await t.test(
  'while LaunchDarkly’s REST API is away the override stays, through a restart, and is retried',
  async (t) => {
    const { api, start } = await guardedFlag(t);
    api.mishaps.push(...Array.from({ length: 100 }, () => 'cut' as const));
    const first = await start();
    const client = steadyClient(t, [first.port], { rate: 50 });
    const trip = await first.found();
    await client.stop();
    await api.gets(3);
    t.match((await first.guard()).launchdarkly, { status: 'trying', detail: /tries have failed/ });
    for (const uid of crowd(5)) t.equal(await first.served(uid), 'v0 GUARD');
    const said = () => first.logText().split('cannot be turned off in LaunchDarkly yet').length - 1;
    t.equal(said(), 1, 'said once');
    await first.stop();

    const second = await start();
    for (const uid of crowd(5))
      t.equal(await second.served(uid), 'v0 GUARD', 'overridden from the first request');
    t.match((await second.guard()).trip, { id: trip.id, words: trip.words });
    const before = api.seen.length;
    await api.gets(before + 1);
    t.equal(api.state.on, true);
    api.mishaps.length = 0;
    await until(async () => (await second.guard()).launchdarkly?.status === 'off', 'turned off', 10_000);
    t.equal(api.seen.filter(({ method }) => method === 'PATCH').length, 1);
    t.same(api.mistakes, []);

    t.match(await askAdmin(second.adminPort, 'POST', '/api/guard/facts/clear'), { status: 200 });
    const served = await Promise.all(crowd(20).map((uid) => second.served(uid)));
    t.ok(served.includes('v1 FALLTHROUGH'), 'the flag decides again');
  },
);
