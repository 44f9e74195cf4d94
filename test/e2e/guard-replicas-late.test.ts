import t from 'tap';
import type { RequestListener } from 'node:http';
import { request, until } from '../support/client.ts';
import { failing, fine, shownBy } from '../support/guarded.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { crowd } from '../support/rollout.ts';
import { steadyClient } from '../support/steady-client.ts';
import { startUpstream } from '../support/upstream.ts';

await t.test(
  'a replica that joins late knows what the others saw, and what they found',
  { skip: skipWithoutRedis() },
  async (t) => {
    const redis = await startRedis(t);
    let answer: RequestListener = fine;
    const v0 = await startUpstream(t, fine);
    const v1 = await startUpstream(t, (req, res) => answer(req, res));
    const yaml = rolledOut(v0.url, v1.url, { guard: 'onRegression: rollback', state: redis.url });
    const join = () => startProxy(t, `${yaml}log: { access: false }\n`);
    const first = await join();
    const shown = shownBy(first);
    await shown.watching();
    const early = steadyClient(t, [first.port], { rate: 50 });
    await until(async () => (await shown.guard()).seen.treatment.units > 60, 'seen', 15_000);
    await early.stop();

    const second = await join();
    const joined = shownBy(second);
    const seen = (await shown.guard()).seen.treatment.units;
    const late = steadyClient(t, [second.port], { rate: 50 });
    const known = await until(async () => (await joined.guard()).seen.treatment.units, 'it knows');
    t.ok(known >= seen, `${known} users on v1, of whom it has served next to none`);

    answer = failing(1);
    const trip = await joined.found(15_000);
    const others = await until(async () => (await shown.guard()).trip, 'everywhere');
    t.equal(others.id, trip.id);
    await late.stop();

    const third = await join();
    for (const uid of crowd(20)) {
      const { headers } = await request(third.port, '/fact/', { headers: { cookie: `uid=${uid}` } });
      t.equal(headers['x-api-version'], '0');
    }
    t.match(await shownBy(third).guard(), { trip: { id: trip.id } });
  },
);
