import t from 'tap';
import type { RequestListener } from 'node:http';
import { until } from '../support/client.ts';
import { failing, fine, shownBy } from '../support/guarded.ts';
import { rolledOut, startProxy } from '../support/proxy.ts';
import { skipWithoutRedis, startRedis } from '../support/redis.ts';
import { steadyClient } from '../support/steady-client.ts';
import { startUpstream } from '../support/upstream.ts';
import { webhookReceiver } from '../support/webhook-receiver.ts';

await t.test(
  'while Redis is away each replica judges what it sees, and all agree once it is back',
  { skip: skipWithoutRedis() },
  async (t) => {
    const redis = await startRedis(t);
    const receiver = await webhookReceiver(t);
    let answer: RequestListener = fine;
    const v0 = await startUpstream(t, fine);
    const v1 = await startUpstream(t, (req, res) => answer(req, res));
    const yaml = rolledOut(v0.url, v1.url, { guard: 'onRegression: rollback', state: redis.url });
    const keys = `notify: [{ webhook: "${receiver.url.href}" }]\nlog: { access: false }\n`;
    const replicas = await Promise.all([1, 2, 3].map(() => startProxy(t, `${yaml}${keys}`)));
    const shown = replicas.map(shownBy);
    const client = steadyClient(
      t,
      replicas.map(({ port }) => port),
      { rate: 60 },
    );
    await Promise.all(
      shown.map(({ guard }) => until(async () => (await guard()).seen.treatment.units > 10, 'on v1', 10_000)),
    );

    await redis.kill();
    answer = failing(0.7);
    const began = Date.now();
    const trips = await Promise.all(shown.map(({ found }) => found(25_000)));
    const took = trips.map(({ at }) => Date.parse(at) - began);
    t.ok(Math.max(...took) < 25_000, `each by itself, after ${took.join(', ')} ms`);
    for (const { guard, rollout } of shown) {
      t.match(await rollout(), { status: 'reverted', percent: 0, state: { saved: false } });
      t.match(await guard(), { state: { saved: false, detail: /on this proxy alone; .*Redis/ } });
    }
    const last = Date.now();
    await until(() => (client.versionsSince(last)['0'] ?? 0) > 60, 'a second more');
    t.same(Object.keys(client.versionsSince(last)), ['0']);
    t.equal(
      new Set(receiver.deliveries.map(({ headers }) => headers['webhook-id'])).size,
      1,
      'one for a receiver',
    );

    for (const proxy of replicas)
      t.notMatch(proxy.logText(), /trips/, 'one line for one outage: a rollout keeps what was found of it');

    await redis.up();
    for (const { rollout } of shown)
      await until(async () => (await rollout()).state.saved, 'kept in Redis', 15_000);
    await client.stop();
    const all = await Promise.all(shown.map(({ rollout }) => rollout()));
    t.equal(new Set(all.map(({ revision }) => revision)).size, 1);
    for (const { status, history } of all) {
      t.equal(status, 'reverted');
      t.equal(history.filter(({ verb }) => verb === 'rollback').length, 1, 'rolled back once');
    }
  },
);
